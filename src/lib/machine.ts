import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { freeBytes } from './python/shutil.ts';

/** Resources of the machine for this process, within the limits of its control group. */
export interface Machine {
  readonly platform: string;
  readonly processor: string;
  /** Vector instructions. TensorFlow chooses its kernels by them, so they affect the last bits of results. */
  readonly cpuFeatures: readonly string[];
  /** Number of CPUs that this process may use: its affinity, limited by the control group's quota. */
  readonly cpus: number;
  /** Quota of the control group in CPUs; null without one. */
  readonly cpuQuota: number | null;
  /** Bytes that this process may still allocate, and in total. */
  readonly memoryFree: number;
  readonly memoryTotal: number;
  /** Free bytes on the disk of the environment. */
  readonly diskFree: number;
}

const interestingFeatures = ['avx', 'avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'avx512_fp16', 'amx_bf16'];

/** Facts of this machine; `folder` is an existing folder on the disk in question, `read` returns a file's text or undefined. */
export function machine(folder: string, read: (path: string) => string | undefined = readText): Machine {
  const flags =
    /^flags\s*:(.*)$/m
      .exec(read('/proc/cpuinfo') ?? '')?.[1]
      ?.trim()
      .split(/\s+/) ?? [];
  const quota = cpuQuota(read);
  const limit = memoryLimit(read);
  const available = /^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo') ?? '')?.[1];
  const free = available === undefined ? freemem() : Number(available) * 1024;
  return {
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cpuFeatures: interestingFeatures.filter((feature) => flags.includes(feature)),
    cpus: cpuLimit(read),
    cpuQuota: quota ?? null,
    memoryFree: limit === undefined ? free : Math.min(free, limit.size - limit.used),
    memoryTotal: limit === undefined ? totalmem() : Math.min(totalmem(), limit.size),
    diskFree: freeBytes(folder),
  };
}

/**
 * Number of CPUs that TensorFlow should use. By itself, TensorFlow looks only at the affinity, and would start 64 threads in a container with 2 CPUs.
 */
export function cpuLimit(read: (path: string) => string | undefined = readText): number {
  const quota = cpuQuota(read);
  return Math.max(
    1,
    Math.min(availableParallelism(), quota === undefined ? Number.POSITIVE_INFINITY : Math.ceil(quota)),
  );
}

function cpuQuota(read: (path: string) => string | undefined): number | undefined {
  for (const folder of groupFolders(read)) {
    const [quota, period] = (read(`${folder}/cpu.max`) ?? '').trim().split(' ').map(Number);
    if (quota && period) return quota / period;
  }
  const quota = Number(read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us'));
  const period = Number(read('/sys/fs/cgroup/cpu/cpu.cfs_period_us'));
  return quota > 0 && period > 0 ? quota / period : undefined;
}

function memoryLimit(read: (path: string) => string | undefined): { size: number; used: number } | undefined {
  for (const folder of groupFolders(read)) {
    const size = Number(read(`${folder}/memory.max`) ?? Number.NaN);
    if (size > 0) return { size, used: Number(read(`${folder}/memory.current`) ?? 0) };
  }
  const size = Number(read('/sys/fs/cgroup/memory/memory.limit_in_bytes') ?? Number.NaN);
  const used = Number(read('/sys/fs/cgroup/memory/memory.usage_in_bytes') ?? 0);
  return size > 0 && size < 2 ** 60 ? { size, used } : undefined;
}

/** Folders of this process's control groups (version 2), the innermost first. Each level can have a limit. */
function groupFolders(read: (path: string) => string | undefined): string[] {
  const path = /^0::(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/';
  const names = path.split('/').filter(Boolean);
  return names.map((_, i) => `/sys/fs/cgroup/${names.slice(0, names.length - i).join('/')}`).concat('/sys/fs/cgroup');
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
