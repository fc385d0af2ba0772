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
  /** Vector instructions that affect TensorFlow's kernels, and so the last bits. */
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

/** A finished comparison: everything that a report needs. */
export interface Comparison {
  readonly title: string;
  readonly witness: Witness;
  /** Fixes from outside that this original needed in order to run, one line each. */
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
  /** Options of that command line that do not choose cases (`--data DIR`, `--seed N`, …), for the command that repeats one case. */
  readonly settings: readonly string[];
}

/** The shims that were used, in the form of `Comparison.shims`. */
export function shimLines(shims: readonly Shim[]): string[] {
  return shims.map(({ quirk, title, times }) => `${quirk}: ${title} (${times} times)`);
}

/** The sides of a comparison in this process. `original` comes from the handshake. TensorFlow must be loaded. */
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
