import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describeSpeeds, type FormatSpeeds, fasterFormat } from '../graph/format_speed.ts';
import { environmentFolder, flavour, root } from '../lib/installation.mjs';
import { type Machine, machine } from '../lib/machine.ts';
import { bindingFault, environmentFault, packagesFault, tensorflowVersion } from '../setup/environment.mjs';
import { ownCommand } from '../text.ts';
import { type Fault, probeBoth, probeNode, type Side } from './probes.ts';

/** One condition that must hold. */
export interface Check {
  readonly name: string;
  /** `warning`: it works, but slower or not reproducibly. Only `failed` makes the exit code non-zero. */
  readonly status: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** The next command; absent where the status is `ok`. */
  readonly advice?: string;
}

/** What `doctor --json` prints. Within one `schema`, fields are added but never renamed or removed. */
export interface Diagnosis {
  readonly schema: 1;
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly machine: Machine;
  readonly node: Side | Fault;
  readonly python: Side | Fault;
}

const setup = ownCommand('setup');
const gigabyte = 1e9;

/** Checks the prerequisites, loads TensorFlow in both languages and compares what they loaded. Takes about 5 seconds. */
export async function diagnose(): Promise<Diagnosis> {
  const here = hereNow();
  const { node, python } = await probeBoth();
  const checks = [
    ...checkWithoutPython(here, node),
    ...checkSide('Python', python),
    ...(isSide(node) && isSide(python) ? compareSides(node, python, here) : []),
    ...(isSide(node) && node.speeds ? [checkFormats(node.speeds)] : []),
    ...(isSide(python) ? [checkPins(python), checkJit(python)] : []),
  ];
  return { schema: 1, ok: checks.every(({ status }) => status !== 'failed'), checks, machine: here, node, python };
}

/** The checks of `diagnose` that concern the port alone. Starts no Python process. */
export async function diagnoseNode(): Promise<readonly Check[]> {
  return checkWithoutPython(hereNow(), await probeNode());
}

function hereNow(): Machine {
  return machine(nearestExisting(environmentFolder()));
}

function checkWithoutPython(here: Machine, node: Side | Fault): readonly Check[] {
  return [...checkParts(), checkTools(), ...checkMachine(here), ...checkSide('Node', node)];
}

/** Whether the side answered. */
export function isSide(side: Side | Fault): side is Side {
  return !('fault' in side);
}

function checkParts(): Check[] {
  const parts: [string, string | undefined][] = [
    ['npm packages', packagesFault()],
    ['Python environment', environmentFault()],
    ['Node binding', bindingFault()],
  ];
  return parts.map(([name, fault]) =>
    fault ? { name, status: 'failed', detail: fault, advice: setup } : { name, status: 'ok', detail: 'as locked' },
  );
}

/** The compiler is needed only to build the binding. */
function checkTools(): Check {
  const compiler = process.env.CXX?.split(' ')[0] ?? 'g++';
  const missing = [compiler, 'make'].filter((name) => !isInPath(name));
  if (missing.length === 0) return { name: 'compiler', status: 'ok', detail: `${compiler}, make` };
  return {
    name: 'compiler',
    status: bindingFault() ? 'failed' : 'warning',
    detail: `${missing.join(' and ')} not in PATH`,
    advice: 'sudo apt install build-essential (compiles the Node binding)',
  };
}

function checkMachine({ cpuFeatures, cpus, cpuQuota, memoryFree, diskFree }: Machine): Check[] {
  const memory = `${(memoryFree / gigabyte).toFixed(1)} GB free`;
  const disk = `${(diskFree / gigabyte).toFixed(1)} GB free`;
  return [
    cpuFeatures.includes('avx')
      ? { name: 'processor', status: 'ok', detail: cpuFeatures.join(' ') }
      : {
          name: 'processor',
          status: 'failed',
          detail: 'no AVX',
          advice: 'TensorFlow 2.16.1 needs a processor with AVX',
        },
    { name: 'CPUs', status: 'ok', detail: `${cpus}${cpuQuota === null ? '' : ` (quota ${cpuQuota})`}` },
    memoryFree >= 4 * gigabyte
      ? { name: 'memory', status: 'ok', detail: memory }
      : {
          name: 'memory',
          status: 'warning',
          detail: memory,
          advice: 'training with the paper’s batch size needs 4 GB',
        },
    diskFree >= gigabyte
      ? { name: 'disk', status: 'ok', detail: disk }
      : { name: 'disk', status: 'warning', detail: disk, advice: 'free some space before training or setting up' },
  ];
}

function checkSide(language: string, side: Side | Fault): Check[] {
  const name = `TensorFlow in ${language}`;
  if (!isSide(side)) return [{ name, status: 'failed', detail: side.fault, advice: setup }];
  if (side.tensorflow !== tensorflowVersion) {
    const detail = `${side.tensorflow} instead of ${tensorflowVersion}`;
    return [{ name, status: 'failed', detail, advice: setup }];
  }
  return [{ name, status: 'ok', detail: `${side.tensorflow} on ${language} ${side.version}` }];
}

function compareSides(node: Side, python: Side, { cpus }: Machine): Check[] {
  return [
    compareLibraries(node, python),
    compareOneDnn(node, python),
    compareThreads(node, python, cpus),
    ...compareGpus(node, python),
  ];
}

/** Both processes must have mapped the same files with the same content. */
export function compareLibraries(node: Side, python: Side): Check {
  const name = 'one library';
  const describe = (side: Side) => side.libraries.map(({ path, sha256 }) => `${path} ${sha256}`).join(', ') || 'none';
  if (
    node.libraries.length > 0 &&
    describe(node) === describe(python) &&
    node.libraries.every(({ sha256 }) => sha256)
  ) {
    return { name, status: 'ok', detail: 'both processes map the same files' };
  }
  const detail = `Node has mapped ${describe(node)}; Python ${describe(python)}`;
  return { name, status: 'failed', detail, advice: `unset LD_LIBRARY_PATH and LD_PRELOAD, then ${setup}` };
}

function compareOneDnn(node: Side, python: Side): Check {
  const name = 'oneDNN';
  const say = (on: boolean) => (on ? 'on' : 'off');
  if (node.oneDnn === python.oneDnn) return { name, status: 'ok', detail: `${say(node.oneDnn)} in both` };
  const detail = `${say(node.oneDnn)} in Node, ${say(python.oneDnn)} in Python`;
  return { name, status: 'failed', detail, advice: 'export TF_ENABLE_ONEDNN_OPTS=1 (or 0) for both' };
}

function compareThreads(node: Side, python: Side, cpus: number): Check {
  const name = 'threads';
  if (node.threads !== python.threads) {
    const detail = `${node.threads ?? 'unset'} in Node, ${python.threads ?? 'unset'} in Python`;
    return { name, status: 'failed', detail, advice: `export TF_NUM_INTRAOP_THREADS=${cpus}` };
  }
  if (Number(node.threads) > cpus) {
    const detail = `${node.threads} for ${cpus} CPUs`;
    return { name, status: 'warning', detail, advice: `export TF_NUM_INTRAOP_THREADS=${cpus}` };
  }
  return { name, status: 'ok', detail: `${node.threads ?? 'one per CPU'} in both` };
}

function compareGpus(node: Side, python: Side): Check[] {
  if (flavour() === 'cpu' && node.gpus + python.gpus === 0) return [{ name: 'GPU', status: 'ok', detail: 'none' }];
  const detail = `Python sees ${python.gpus}, Node ${node.gpus}`;
  if (node.gpus === 0 || python.gpus === 0) {
    const advice = `nvidia-smi shows whether the driver works; ECG_TRANSPLANT_GPU=0 ${setup} takes the CPU packages`;
    return [{ name: 'GPU', status: 'warning', detail, advice }];
  }
  if (node.memoryGrowth && python.memoryGrowth)
    return [{ name: 'GPU', status: 'ok', detail: `${detail}, memory grows` }];
  const advice = 'export TF_FORCE_GPU_ALLOW_GROWTH=true: two processes share the card';
  return [{ name: 'GPU', status: 'failed', detail: `${detail}, memory growth off`, advice }];
}

/** Which number format pays for training here. */
export function checkFormats(speeds: FormatSpeeds): Check {
  const detail =
    fasterFormat(speeds) === 'bfloat16'
      ? `--precision bfloat16 (or auto) trains faster here; convolutions: ${describeSpeeds(speeds)}`
      : `--precision float32, the default, trains fastest here; convolutions: ${describeSpeeds(speeds)}`;
  return { name: 'number format', status: 'ok', detail };
}

/** Versions against `original/requirements.in`. */
function checkPins({ packages = {} }: Side): Check {
  const name = 'Python packages';
  const pins = readFileSync(join(root, 'original', 'requirements.in'), 'utf8').matchAll(/^([\w-]+)==(\S+)/gm);
  const wrong = [...pins].filter(([, pin, version]) => packages[pin] !== undefined && packages[pin] !== version);
  if (wrong.length === 0) {
    const detail = Object.entries(packages).map(([pin, version]) => `${pin} ${version}`);
    return { name, status: 'ok', detail: detail.join(', ') };
  }
  const detail = wrong.map(([, pin, version]) => `${pin} ${packages[pin]} instead of ${version}`).join(', ');
  return { name, status: 'failed', detail, advice: setup };
}

function checkJit({ jitCompile }: Side): Check {
  const name = 'jit_compile';
  if (jitCompile === false) return { name, status: 'ok', detail: "Keras resolves 'auto' to off" };
  const advice = 'unset TF_XLA_FLAGS: compiled kernels differ from those that Node runs';
  return { name, status: 'failed', detail: "Keras resolves 'auto' to on", advice };
}

function nearestExisting(folder: string): string {
  return existsSync(folder) ? folder : nearestExisting(dirname(folder));
}

function isInPath(name: string): boolean {
  const folders = name.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
