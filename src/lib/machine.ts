import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { freeBytes } from './python/shutil.ts';

/** Resources of the machine for this process, within the limits of its control groups and of its Slurm job. */
export interface Machine {
  readonly platform: string;
  readonly processor: string;
  /** Vector instructions. TensorFlow chooses its kernels by them, so they affect the last bits of results. */
  readonly cpuFeatures: readonly string[];
  /** Number of CPUs that this process may use: its affinity, limited by the control groups' quota and by what Slurm has allocated. */
  readonly cpus: number;
  /** Quota of the control groups in CPUs; null without one. */
  readonly cpuQuota: number | null;
  /** Bytes that this process may still allocate, and in total. */
  readonly memoryFree: number;
  readonly memoryTotal: number;
  /** Free bytes on the disk of the environment. */
  readonly diskFree: number;
}

const interestingFeatures = ['avx', 'avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'avx512_fp16', 'amx_bf16'];

/** Where this module looks; tests pretend other machines. */
export interface Sources {
  /** Returns a file's text, or undefined. */
  readonly read: (path: string) => string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

const here: Sources = { read: readText, env: process.env };

/** Facts of this machine; `folder` is an existing folder on the disk in question. */
export function machine(folder: string, sources: Sources = here): Machine {
  const { read } = sources;
  const flags =
    /^flags\s*:(.*)$/m
      .exec(read('/proc/cpuinfo') ?? '')?.[1]
      ?.trim()
      .split(/\s+/) ?? [];
  const quota = cpuQuota(read);
  const limits = memoryLimits(read);
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo') ?? '')?.[1];
  const free = available === undefined ? freemem() : Number(available) * 1024;
  return {
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cpuFeatures: interestingFeatures.filter((feature) => flags.includes(feature)),
    cpus: cpuLimit(sources),
    cpuQuota: quota ?? null,
    memoryFree: Math.max(0, Math.min(free, ...limits.map(({ size, used }) => size - used))),
    memoryTotal: memoryLimit(sources),
    diskFree: freeBytes(folder),
  };
}

/**
 * Number of CPUs that TensorFlow should use. By itself, TensorFlow looks only at the affinity, and would start 64 threads in a container with
 * 2 CPUs, or in a Slurm job of 2 CPUs on a cluster that does not confine its jobs.
 */
export function cpuLimit({ read, env }: Sources = here): number {
  const allocated = [env.SLURM_CPUS_PER_TASK, env.SLURM_CPUS_ON_NODE].map(Number).filter((count) => count >= 1);
  const quota = cpuQuota(read);
  const limits = [availableParallelism(), ...allocated, ...(quota === undefined ? [] : [quota])];
  return Math.max(1, Math.ceil(Math.min(...limits)));
}

/** The smallest quota of the process's control groups, in CPUs. */
function cpuQuota(read: Sources['read']): number | undefined {
  const second = groupFolders(read, '').map((folder) => {
    const [quota, period] = (read(`${folder}/cpu.max`) ?? '').trim().split(' ').map(Number);
    return quota / period;
  });
  const first = groupFolders(read, 'cpu').map(
    (folder) => Number(read(`${folder}/cpu.cfs_quota_us`)) / Number(read(`${folder}/cpu.cfs_period_us`)),
  );
  const quotas = [...second, ...first].filter((quota) => quota > 0 && Number.isFinite(quota));
  return quotas.length > 0 ? Math.min(...quotas) : undefined;
}

/** Bytes of memory of the machine, within the limits of the process's control groups. */
export function memoryLimit({ read }: Pick<Sources, 'read'> = here): number {
  return Math.min(totalmem(), ...memoryLimits(read).map(({ size }) => size));
}

/** The limits of the process's control groups, in bytes. */
function memoryLimits(read: Sources['read']): { readonly size: number; readonly used: number }[] {
  const limits = (controller: string, limit: string, usage: string) =>
    groupFolders(read, controller).map((folder) => ({
      size: Number(read(`${folder}/${limit}`)),
      used: Number(read(`${folder}/${usage}`) ?? 0),
    }));
  const all = [
    ...limits('', 'memory.max', 'memory.current'),
    ...limits('memory', 'memory.limit_in_bytes', 'memory.usage_in_bytes'),
  ];
  // Version 1 says "no limit" with a number near 2^63.
  return all.filter(({ size }) => size > 0 && size < 2 ** 60);
}

/**
 * Folders of this process's control groups, the innermost first; each level can have a limit. `controller` is one of version 1, or empty for
 * version 2. In a container, the outermost folder is that of the container, and the others may be out of sight.
 */
function groupFolders(read: Sources['read'], controller: string): string[] {
  const lines = (read('/proc/self/cgroup') ?? '').split('\n').map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line));
  const path = lines.find((line) => line?.[1].split(',').includes(controller))?.[2] ?? '/';
  const names = path.split('/').filter(Boolean);
  const base = controller === '' ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${controller}`;
  return names.map((_, i) => `${base}/${names.slice(0, names.length - i).join('/')}`).concat(base);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
