import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { array, boolean, literal, minValue, object, optional, picklist, pipe, regex, string } from 'valibot';
import { amount, finiteNumber, mapOf, samples, whole } from '../../lib/json/fields.ts';
import { type Described, readJson, writeJson } from '../../lib/json/file.ts';

/** Name of the description that the converter writes beside the files. */
export const descriptionFile = 'icentia11k.json';

/** float32 is enough for a 16-bit recorder; float64 keeps PhysioNet's physical units to the last bit. */
export type SignalType = 'float32' | 'float64';

/** What was measured for a patient. */
export type PatientSummary = Described<typeof summarySchema>;

const summarySchema = object({
  segments: whole(1, 100_000),
  /** Samples of each segment. */
  samples,
  /** Sum and sum of squares of all samples, as `running_mean_std(dtype=float64)` forms them. */
  sum: finiteNumber,
  sumOfSquares: finiteNumber,
  /** Numbers of the segments, where they are not 0, 1, 2, … */
  segmentIds: optional(array(amount)),
  /** How many annotations that the edition does not have were left out, by what they are. */
  unknown: optional(mapOf(string(), amount)),
});

/** The description beside converted files. */
export type Description = Described<typeof descriptionSchema>;

const descriptionSchema = object({
  source: literal('PhysioNet icentia11k-continuous-ecg (WFDB)'),
  unit: literal('mV'),
  samplingRate: literal(250),
  dtype: picklist(['float32', 'float64'] satisfies SignalType[]),
  unzipped: boolean(),
  /** Over all patients below. Used to normalise instead of the original's constants, whose unit is not known. */
  mean: finiteNumber,
  std: pipe(finiteNumber, minValue(0)),
  patients: mapOf(pipe(string(), regex(/^\d{1,5}$/)), summarySchema),
});

/** Reads the description beside converted files; undefined if there is none. */
export function readDescription(folder: string): Description | undefined {
  const file = join(folder, descriptionFile);
  if (!existsSync(file)) return undefined;
  return readJson(file, descriptionSchema, {
    what: 'the description of converted patients',
    next: `Remove ${file} and convert again with: ecg-transplant convert-icentia.`,
  });
}

/** Writes the description of the patients that are converted. */
export function writeDescription(
  folder: string,
  dtype: SignalType,
  unzipped: boolean,
  patients: Readonly<Record<string, PatientSummary>>,
): Description {
  let count = 0;
  let total = 0;
  let squares = 0;
  for (const { segments, samples, sum, sumOfSquares } of Object.values(patients)) {
    count += segments * samples;
    total += sum;
    squares += sumOfSquares;
  }
  const mean = total / count;
  const description: Description = {
    source: 'PhysioNet icentia11k-continuous-ecg (WFDB)',
    unit: 'mV',
    samplingRate: 250,
    dtype,
    unzipped,
    mean,
    std: Math.sqrt(Math.max(0, squares / count - mean ** 2)),
    patients,
  };
  writeJson(join(folder, descriptionFile), description, 1);
  return description;
}
