import { gpuParityEnvironment } from '../../bridge/gpu.ts';
import type { PythonFacts, Shim } from '../../bridge/original.ts';
import type { Witness } from '../../bridge/witness.ts';
import { runtime } from '../../graph/runtime.ts';
import { mappedLibraries } from '../../lib/tensorflow/libraries.ts';
import type { Findings } from '../comparison.ts';
import type { ComparisonData } from '../data.ts';

/** The machine that both sides ran on. */
export interface Hardware {
  readonly platform: string;
  readonly processor: string;
  /** Vector instructions that change TensorFlow's kernels, hence last bits. */
  readonly cpuFeatures: readonly string[];
  readonly cpus: number;
  /** Bytes. */
  readonly memoryTotal: number;
}

/** What this process runs on. */
export interface PortFacts {
  readonly node: string;
  readonly tensorflow: string;
  /** TensorFlow shared libraries that the process has mapped, by real path. */
  readonly library: readonly string[];
  readonly gpu: boolean;
  /** `TF_NUM_INTRAOP_THREADS`, null where it is left to TensorFlow. */
  readonly threads: string | null;
  /** The variables of GPU parity mode that are set. */
  readonly parity: { readonly [name: string]: string };
}

/** Versions and hardware of both sides. */
export interface Sides {
  readonly hardware: Hardware;
  readonly port: PortFacts;
  readonly original: PythonFacts;
}

/** A finished comparison: all that a report is made of. */
export interface Comparison {
  readonly title: string;
  readonly witness: Witness;
  /** What had to be done from outside so that this original runs here, one line each. */
  readonly shims: readonly string[];
  readonly findings: Findings;
  readonly sides: Sides;
  readonly data: Pick<ComparisonData, 'kind' | 'names'>;
  readonly seed: number;
  /** ISO 8601, with time zone. */
  readonly begun: string;
  /** Seconds from begin to end. */
  readonly seconds: number;
  /** Command line that repeats the comparison. */
  readonly command: string;
  /** Words of it that are no choice of cases (`--data DIR`, `--seed N`, …): the rest of the command that repeats one case. */
  readonly settings: readonly string[];
}

/** Shims that acted, as `Comparison.shims` has them. */
export function shimLines(shims: readonly Shim[]): string[] {
  return shims.map(({ quirk, title, times }) => `${quirk}: ${title} (${times} times)`);
}

/** The sides of a comparison in this process; `original` as the handshake returned it. TensorFlow must be loaded. */
export function sidesOf(hardware: Hardware, original: PythonFacts): Sides {
  const { platform, processor, cpuFeatures, cpus, memoryTotal } = hardware;
  return {
    hardware: { platform, processor, cpuFeatures, cpus, memoryTotal },
    port: {
      node: process.versions.node,
      tensorflow: runtime().tensorflowVersion,
      library: mappedLibraries('libtensorflow_cc'),
      gpu: runtime().usesGpu,
      threads: process.env.TF_NUM_INTRAOP_THREADS ?? null,
      parity: Object.fromEntries(
        Object.keys(gpuParityEnvironment).flatMap((name) => {
          const value = process.env[name];
          return value === undefined ? [] : [[name, value]];
        }),
      ),
    },
    original,
  };
}
