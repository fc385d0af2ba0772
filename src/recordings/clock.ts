import { InputError } from '../errors.ts';

/** What a column of times or sample numbers says about the sampling rate. */
export interface Clock {
  /** Seconds between two samples; `null` if the column counts samples or its unit is not known. */
  readonly step: number | null;
  /** Relative uncertainty of `step`. */
  readonly tolerance: number;
}

/** Names of columns that count samples, and of columns that hold times. */
const counterNames =
  /^(?:samples?|sample ?(?:#|no|nr|num|number|index|id)|samp|index|idx|frames?|rows?|unnamed: ?\d+|)$/;
const timeNames =
  /^(?:(?:elapsed |relative )?times?|time ?axis|time ?stamps?|date|date ?time|zeit|temps|tiempo|tempo|(?:elapsed )?(?:seconds|milliseconds|microseconds|nanoseconds)|secs?|msecs?|ms)$/;
/** Names that a lead could have as well: such a column is a clock only if it rises like one. */
const shortNames = /^[tsn]$/;
/** Seconds of the units of time. */
const timeUnits: ReadonlyMap<string, number> = new Map([
  ...['s', 'sec', 'secs', 'second', 'seconds'].map((name) => [name, 1] as const),
  ...['ms', 'msec', 'msecs', 'millisecond', 'milliseconds'].map((name) => [name, 1e-3] as const),
  ...['us', '\u00b5s', '\u03bcs', 'microsecond', 'microseconds'].map((name) => [name, 1e-6] as const),
  ...['ns', 'nanosecond', 'nanoseconds'].map((name) => [name, 1e-9] as const),
]);
/** Plausible sampling rates of ECGs (Hz). The range is so narrow that only one unit of time fits a clock. */
const [slowest, fastest] = [50, 10_000];
/** With fewer samples, a column may rise steadily by chance. */
const enough = 10;

/**
 * Recognises a column that holds times or sample numbers instead of a lead: by its name, or because it rises by the same step from row to row.
 *
 * @param name name of the column, `undefined` if it has none.
 * @param unit of the column, where the file states it.
 * @param isTime its cells were points in time, read as seconds.
 * @throws InputError if a column is named as a clock but does not rise steadily.
 */
export function asClock(
  values: Float64Array,
  { name, unit, isTime, file }: { name?: string; unit?: string; isTime: boolean; file: string },
): Clock | undefined {
  const words = (name ?? '?')
    .toLowerCase()
    .split(/[_\s.()[\]/-]+/)
    .filter(Boolean);
  const suffix = words.length > 1 ? timeUnits.get(words.at(-1)!) : undefined;
  const plain = words.slice(0, suffix === undefined ? undefined : -1).join(' ');
  const isClock = isTime || counterNames.test(plain) || timeNames.test(plain);
  const irregular = irregularAt(values);
  if (irregular !== undefined) {
    if (!isClock) return undefined;
    throw new InputError(`the column ${JSON.stringify(name ?? '')} does not rise steadily as a clock does`, {
      file,
      where: `sample ${irregular}`,
      got: `${values[irregular - 1]}, then ${values[irregular]}`,
      next: 'Samples are missing or repeated there: repair the recording. If the column is a lead, name it as a lead, such as V1.',
    });
  }
  if (!isClock && !(values.length >= enough || (values.length > 1 && shortNames.test(plain)))) return undefined;
  const step = (values.at(-1)! - values[0]) / (values.length - 1);
  if (!(step > 0)) return { step: null, tolerance: 0 };
  const tolerance = Math.max(1e-6, (4 * distanceFromLine(values, step)) / (step * (values.length - 1)));
  if (counterNames.test(plain) && suffix === undefined && !isTime) return { step: null, tolerance };
  const scale = isTime ? 1 : (suffix ?? timeUnits.get(plain) ?? timeUnits.get((unit ?? '').toLowerCase()));
  if (scale !== undefined) return { step: step * scale, tolerance };
  // A step of 1 could be one sample as well as one millisecond.
  const fitting =
    Math.abs(step - 1) < 1e-9 ? undefined : [1, 1e-3, 1e-6, 1e-9].find((seconds) => isRate(1 / (step * seconds)));
  return { step: fitting === undefined ? null : step * fitting, tolerance };
}

/** The sampling rate (Hz) that follows from a clock, or undefined. */
export function rateOf({ step, tolerance }: Clock): number | undefined {
  if (step === null || !isRate(1 / step)) return undefined;
  const fs = 1 / step;
  if (tolerance * fs > 0.5) return undefined;
  for (let digits = 0; digits < 6; digits++) {
    const rounded = Number(fs.toFixed(digits));
    if (Math.abs(fs - rounded) <= tolerance * fs) return rounded;
  }
  return fs;
}

/** Whether a clock agrees with a sampling rate (Hz). A clock without a known unit agrees with any. */
export function fitsRate({ step, tolerance }: Clock, fs: number): boolean {
  return step === null || Math.abs(1 / step - fs) <= Math.max(1e-3, tolerance) * fs;
}

function isRate(fs: number): boolean {
  return fs >= slowest * (1 - 1e-6) && fs <= fastest * (1 + 1e-6);
}

/** The first sample that is not about one step after the sample before it. */
function irregularAt(values: Float64Array): number | undefined {
  if (values.length < 2) return undefined;
  const steps = Float64Array.from({ length: values.length - 1 }, (_, i) => values[i + 1] - values[i]);
  const falling = steps.findIndex((step) => !(step > 0));
  if (falling !== -1) return falling + 1;
  const middle = steps.slice().sort()[steps.length >> 1];
  // Times are often rounded to milliseconds, so one step can be 1.5 times as long as another.
  const at = steps.findIndex((step) => step < 0.499 * middle || step > 1.501 * middle);
  return at === -1 ? undefined : at + 1;
}

/** Largest distance of a sample from its place if all steps were equal. */
function distanceFromLine(values: Float64Array, step: number): number {
  return values.reduce((most, value, i) => Math.max(most, Math.abs(value - values[0] - i * step)), 0);
}
