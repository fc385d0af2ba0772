import { array, boolean, literal, object, optional, picklist, string, union, unknown } from 'valibot';
import { filterGradients } from '../graph/kernels.ts';
import { precisions } from '../graph/precision.ts';
import { amount, anyNumber, finiteNumber, mapOf, name, positive, sha256, whole } from '../lib/json/fields.ts';
import type { Described } from '../lib/json/file.ts';

/** What can change the last bits of a job's results. */
export type Environment = Described<typeof environmentSchema>;

const environmentSchema = object({
  version: string(),
  node: string(),
  tensorflow: string(),
  /** SHA-256 of TensorFlow's shared libraries, by path, as `ecg-transplant doctor` shows them; empty where the system does not list loaded libraries. */
  libraries: mapOf(string(), sha256),
  platform: string(),
  processor: string(),
  gpu: boolean(),
  /** TensorFlow's settings: threads, oneDNN. */
  settings: mapOf(string(), string()),
});

export type JobKind = 'finetune' | 'pretrain';

/** Content of `config.json`. */
export type JobConfig = Described<typeof configSchema>;

const seed = whole(0, Number.MAX_SAFE_INTEGER);

const inputSchema = object({
  bytes: amount,
  /** Milliseconds since 1970; of a file. */
  modified: optional(finiteNumber),
  /** Number of files; of a folder. */
  files: optional(amount),
  /** Of a file's bytes, or of the names and sizes of a folder's files. */
  sha256,
});

export const configSchema = object({
  format: literal(1),
  job: picklist(['finetune', 'pretrain'] satisfies JobKind[]),
  /** Options as given, with absolute paths. */
  options: mapOf(name, unknown()),
  seed,
  initSeed: seed,
  /** The choice of `--precision auto`, and the measured speeds (GFLOP/s). The job keeps it, on whatever machine it resumes. */
  measuredPrecision: optional(
    object({ precision: picklist(['float32', 'bfloat16']), float32: anyNumber, bfloat16: anyNumber }),
  ),
  /**
   * What `--kernels auto` has measured when the job began (GFLOP/s of the gradients of filters), and chosen; `dtype` is the format of the kernels. The job keeps it, on whatever machine it
   * resumes. Empty on a GPU, where the kernels are the usual ones.
   */
  measuredKernels: optional(
    array(
      object({
        ...{ batch: amount, samples: amount, inputs: amount, outputs: amount, width: amount, stride: amount },
        dtype: picklist(precisions),
        usual: positive,
        taps: positive,
        chosen: picklist(filterGradients),
      }),
    ),
  ),
  /** Inputs by path. Earlier versions kept only the size of a file, in bytes. */
  inputs: mapOf(name, union([amount, inputSchema])),
  environment: environmentSchema,
});

/** Content of `complete.json`. */
export const completeSchema = object({
  epochs: amount,
  /** ISO 8601. */
  finished: optional(string()),
});
