import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, hostname, tmpdir, totalmem, userInfo } from 'node:os';
import { join } from 'node:path';

/** Programs of the packages slurm-wlm and munge; the daemons lie in folders that are not in everyone's PATH. */
const programs = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scontrol', 'scancel', 'sinfo'] as const;
type Program = (typeof programs)[number];
const places = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/usr/local/bin', '/usr/bin'];

/** Why no cluster can be started here; undefined if it can. */
export function whyNoCluster(): string | undefined {
  if (process.platform !== 'linux') return 'Slurm runs on Linux only';
  const missing = programs.filter((name) => pathOf(name) === undefined);
  if (missing.length === 0) return undefined;
  return `not installed: ${missing.join(', ')}. On Debian: apt-get install --no-install-recommends slurm-wlm munge`;
}

function pathOf(name: Program): string | undefined {
  return places.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Slurm wants a device for each GPU, and does not look what it is. */
const devices = ['/dev/null', '/dev/zero', '/dev/full', '/dev/random'];

/** What a cluster offers. */
export interface ClusterOptions {
  /** CPUs of its node, whatever the machine has; default 2. */
  readonly cpus?: number;
  /** GPUs that the node claims to have; no device stands behind them. At most 4; default 2. */
  readonly gpus?: number;
  /** Seconds after which Slurm forgets a job that has ended; default 300. */
  readonly minJobAge?: number;
  /** Further lines of slurm.conf. */
  readonly lines?: readonly string[];
}

/**
 * A Slurm of one node, with its own munge, in a temporary folder and on ports of its own. It touches neither /etc nor a Slurm that runs on this
 * machine. Its node runs jobs of the user who started it.
 */
export class Cluster {
  readonly folder: string;
  /** Variables with which Slurm's commands find this cluster. */
  readonly env: NodeJS.ProcessEnv;
  readonly #daemons = new Map<Program, ChildProcess>();

  private constructor(folder: string) {
    this.folder = folder;
    this.env = { ...process.env, SLURM_CONF: join(folder, 'slurm.conf') };
  }

  /** Starts the daemons and waits until the node is idle. Throws with the daemons' last lines if it does not come up within a minute. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const reason = whyNoCluster();
    if (reason !== undefined) throw new Error(`no Slurm here: ${reason}`);
    // Short: a socket's path has at most 107 bytes.
    const cluster = new Cluster(mkdtempSync(join(tmpdir(), 'slurm-')));
    try {
      await cluster.#write(options);
      await cluster.#munge();
      cluster.#daemon('slurmctld', ['-D', '-i', '-f', cluster.env.SLURM_CONF!]);
      await cluster.#answers(() => cluster.query('scontrol', ['ping']).includes('UP'), 'slurmctld');
      await cluster.startNode();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Output of one of Slurm's commands. */
  query(program: Program, args: readonly string[]): string {
    return execFileSync(pathOf(program)!, args, { env: this.env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Starts the node's daemon, also after {@link killNode}, and waits until the node takes jobs. */
  async startNode(): Promise<void> {
    this.#daemon('slurmd', ['-D', '-f', this.env.SLURM_CONF!]);
    await this.#answers(() => /^(idle|mixed|allocated)$/m.test(this.query('sinfo', ['-h', '-o', '%T'])), 'slurmd');
  }

  /** Ends the node's daemon as a crash does: its jobs' processes go on. */
  async killNode(): Promise<void> {
    await this.#end('slurmd', 'SIGKILL');
  }

  /** Cancels all jobs, ends the daemons and removes the folder. */
  async stop(): Promise<void> {
    if (this.#daemons.has('slurmctld')) {
      try {
        this.query('scancel', ['--me']);
        await this.#answers(() => this.query('squeue', ['-h']).trim() === '', 'slurmctld', 20);
      } catch {
        // What still runs ends with its slurmstepd below.
      }
    }
    for (const name of ['slurmd', 'slurmctld', 'munged'] as const) await this.#end(name, 'SIGTERM');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async #write({ cpus = 2, gpus = 2, minJobAge = 300, lines = [] }: ClusterOptions): Promise<void> {
    const at = (name: string): string => join(this.folder, name);
    for (const name of ['state', 'spool', 'munge']) mkdirSync(at(name), { mode: 0o755 });
    const host = hostname().split('.')[0];
    const user = userInfo().username;
    const [controller, node] = await freePorts(2);
    // slurmd refuses a node that has fewer CPUs or less memory than its line says.
    const real = Math.min(cpus, availableParallelism());
    const memory = Math.floor((totalmem() / 2 ** 20) * 0.8);
    const conf = [
      'ClusterName=test',
      `SlurmctldHost=${host}(127.0.0.1)`,
      `SlurmUser=${user}`,
      `SlurmdUser=${user}`,
      `SlurmctldPort=${controller}`,
      `SlurmdPort=${node}`,
      'AuthType=auth/munge',
      'CryptoType=crypto/munge',
      `AuthInfo=socket=${at('munge/socket')}`,
      `StateSaveLocation=${at('state')}`,
      `SlurmdSpoolDir=${at('spool')}`,
      `SlurmctldPidFile=${at('slurmctld.pid')}`,
      `SlurmdPidFile=${at('slurmd.pid')}`,
      'MpiDefault=none',
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'SwitchType=switch/none',
      'SelectType=select/cons_tres',
      'SelectTypeParameters=CR_CPU',
      'AccountingStorageType=accounting_storage/none',
      'JobAcctGatherType=jobacct_gather/none',
      'ReturnToService=2',
      'JobRequeue=1',
      `MinJobAge=${minJobAge}`,
      'SlurmdTimeout=30',
      'SchedulerParameters=sched_interval=5,bf_interval=5',
      'GresTypes=gpu',
      `NodeName=${host} NodeAddr=127.0.0.1 CPUs=${real} RealMemory=${memory}${gpus > 0 ? ` Gres=gpu:${gpus}` : ''} State=UNKNOWN`,
      'PartitionName=work Nodes=ALL Default=YES MaxTime=INFINITE DefMemPerCPU=1000 State=UP',
      ...lines,
    ];
    writeFileSync(at('slurm.conf'), `${conf.join('\n')}\n`);
    writeFileSync(
      at('gres.conf'),
      devices
        .slice(0, gpus)
        .map((device) => `Name=gpu File=${device}\n`)
        .join(''),
    );
    writeFileSync(at('munge/key'), randomBytes(128), { mode: 0o400 });
  }

  async #munge(): Promise<void> {
    const at = (name: string): string => join(this.folder, 'munge', name);
    chmodSync(this.folder, 0o755);
    const files = ['socket', 'key-file', 'pid-file', 'seed-file'].map(
      (name) => `--${name}=${at(name.replace('-file', ''))}`,
    );
    this.#daemon('munged', ['--foreground', '--force', '--num-threads=2', ...files, `--log-file=${at('log')}`]);
    await this.#answers(() => existsSync(at('socket')), 'munged');
  }

  #daemon(name: Program, args: readonly string[]): void {
    const log = openSync(join(this.folder, `${name}.log`), 'a');
    const child = spawn(pathOf(name)!, args, { env: this.env, stdio: ['ignore', log, log] });
    closeSync(log);
    child.on('error', () => {});
    this.#daemons.set(name, child);
  }

  async #end(name: Program, signal: NodeJS.Signals): Promise<void> {
    const child = this.#daemons.get(name);
    this.#daemons.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(timer);
  }

  async #answers(question: () => boolean, name: Program, seconds = 60): Promise<void> {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      const { exitCode, signalCode } = this.#daemons.get(name) ?? { exitCode: -1, signalCode: null };
      if (exitCode !== null || signalCode !== null) break;
      try {
        if (question()) return;
      } catch {
        // Not up yet.
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const log = join(this.folder, `${name}.log`);
    const last = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').slice(-8).join('\n') : '';
    throw new Error(`${name} does not come up:\n${last}`);
  }
}

/** Ports that are free now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
