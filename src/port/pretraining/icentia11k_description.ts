import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import { writeFileAtomic } from '../../lib/python/atomic_file.ts';

/** Name of the description that the converter writes beside the files. */
export const descriptionFile = 'icentia11k.json';

/** Float32 is what a 16-bit recorder needs; float64 keeps the quotients of PhysioNet's units to the last bit. */
export type SignalType = 'float32' | 'float64';

/** What was measured of a patient. */
export interface PatientSummary {
  readonly segments: number;
  /** Samples of each segment. */
  readonly samples: number;
  /** Sum and sum of squares of all samples, as `running_mean_std(dtype=float64)` forms them. */
  readonly sum: number;
  readonly sumOfSquares: number;
  /** Numbers of the segments, where they are not 0, 1, 2, … */
  readonly segmentIds?: readonly number[];
  /** How many annotations that the edition does not have were left out, by what they are. */
  readonly unknown?: Readonly<Record<string, number>>;
}

/** The description beside converted files. */
export interface Description {
  readonly source: 'PhysioNet icentia11k-continuous-ecg (WFDB)';
  readonly unit: 'mV';
  readonly samplingRate: 250;
  readonly dtype: SignalType;
  readonly unzipped: boolean;
  /** Over all patients below; to normalise with in place of the original's constants, whose unit is not known. */
  readonly mean: number;
  readonly std: number;
  readonly patients: Readonly<Record<string, PatientSummary>>;
}

/** Reads the description beside converted files; undefined if there is none. */
export function readDescription(folder: string): Description | undefined {
  const file = join(folder, descriptionFile);
  if (!existsSync(file)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InputError('not a JSON file', { file, got: (error as Error).message });
  }
  if (!isDescription(value)) {
    throw new InputError('not the description of converted patients', {
      file,
      expected: 'unit mV, mean, std, unzipped, patients with segments, samples, sum and sumOfSquares',
      next: `Remove ${file} and convert again with: ecg-transplant convert-icentia.`,
    });
  }
  return value;
}

function isDescription(value: unknown): value is Description {
  if (typeof value !== 'object' || value === null) return false;
  const { unit, mean, std, unzipped, patients } = value as Partial<Description>;
  return (
    unit === 'mV' &&
    Number.isFinite(mean) &&
    std! >= 0 &&
    typeof unzipped === 'boolean' &&
    typeof patients === 'object' &&
    patients !== null &&
    Object.entries(patients).every(([id, patient]) => /^\d{1,5}$/.test(id) && isSummary(patient))
  );
}

function isSummary(value: unknown): value is PatientSummary {
  if (typeof value !== 'object' || value === null) return false;
  const { segments, samples, sum, sumOfSquares, segmentIds = [] } = value as Partial<PatientSummary>;
  return [segments, samples, sum, sumOfSquares].every(Number.isFinite) && Array.isArray(segmentIds);
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
  writeFileAtomic(join(folder, descriptionFile), `${JSON.stringify(description, null, 1)}\n`);
  return description;
}
