import { readFileSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { runtime } from '../../graph/runtime.ts';

/** What the last bits of a job's results depend on. */
export interface Environment {
  readonly version: string;
  readonly node: string;
  readonly tensorflow: string;
  /** TensorFlow's shared libraries by path, with their sizes in bytes; `ecg-transplant doctor` shows their checksums. */
  readonly libraries: Readonly<Record<string, number>>;
  readonly platform: string;
  readonly processor: string;
  readonly gpu: boolean;
  /** TensorFlow's settings: threads, oneDNN. */
  readonly settings: Readonly<Record<string, string>>;
}

const settings = ['TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS', 'TF_ENABLE_ONEDNN_OPTS', 'ONEDNN_MAX_CPU_ISA'];

/** The environment of this process. */
export function environment(): Environment {
  const tensorflow = runtime();
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return {
    version,
    node: process.versions.node,
    tensorflow: tensorflow.tensorflowVersion,
    libraries: Object.fromEntries(mappedLibraries().map((path) => [path, statSync(path).size])),
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    gpu: tensorflow.usesGpu,
    settings: Object.fromEntries(
      settings.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]!]),
    ),
  };
}

/** What differs between two environments in a way that can change last bits, as a text; empty if nothing does. */
export function differences(before: Environment, now: Environment): string {
  const parts = (['tensorflow', 'processor', 'gpu', 'settings'] as const).map((name) => {
    const [was, is] = [JSON.stringify(before[name]), JSON.stringify(now[name])];
    return was === is ? '' : `${name} was ${was}, is ${is}`;
  });
  return parts.filter(Boolean).join('; ');
}

/** TensorFlow's libraries in this process, where the system tells. */
function mappedLibraries(): string[] {
  if (process.platform !== 'linux') return [];
  const maps = readFileSync('/proc/self/maps', 'utf8').matchAll(/^[^/\n]*(\/.*\/libtensorflow[^/\n]*)$/gm);
  return [...new Set([...maps].map((match) => match[1]!))].sort();
}
