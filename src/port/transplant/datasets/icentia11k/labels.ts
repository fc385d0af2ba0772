import { mean } from '../../../../lib/numpy/sum.ts';
import { IndexError, ValueError } from '../../../../lib/python/errors.ts';

/** Whole numbers (or, as NumPy makes from empty lists, floats) of one segment: positions in samples, or codes. */
export type Numbers = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float64Array;

/** Marks of one segment, sorted by position: sample positions (each the end of a beat or rhythm) and their codes. */
export type Marks = readonly [positions: Numbers, codes: Numbers];

export const HR_TACHYCARDIA = 0;
export const HR_BRADYCARDIA = 1;
export const HR_NORMAL = 2;
export const HR_NOISE = 3;

// Codes as in dsRhythmNames and dsBeatNames. A code of the first list wins over every code of the second.
const hiPrioRhythms = [0, 4, 5];
const loPrioRhythms = [1, 2, 3];
const hiPrioBeats = [2, 3, 4];
const loPrioBeats = [0, 1];

/** Number of `positions` (ascending) below `value`. Twin of `numpy.searchsorted(side='left')`. */
function countBelow(positions: Numbers, value: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Number of `positions` (ascending) at or below `value`. Twin of `numpy.searchsorted(side='right')`. */
function countUpTo(positions: Numbers, value: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function frameEnd(positions: Numbers, start: number, end: number | null): number {
  const last = end ?? positions[positions.length - 1];
  if (last === undefined)
    throw new IndexError('a segment without marks has no last position: give the end of the frame');
  if (!(start < last)) throw new ValueError(`a frame has to start before its end: got start ${start} and end ${last}`);
  return last;
}

/**
 * Durations, in samples, of the rhythms in a frame, and their codes. The first and the last rhythm are clipped to the frame.
 * Twin of `icentia11k.get_rhythm_durations`.
 *
 * Quirk Q16: a frame that starts at or past the last mark has one duration and no code.
 *
 * @param indices Ends of the rhythms, ascending.
 * @param labels Codes of the rhythms, or null for durations only.
 * @param start First sample of the frame.
 * @param end Sample after the frame's last; null is the last mark.
 * @throws ValueError if the frame is empty.
 */
export function getRhythmDurations(indices: Numbers, labels?: null, start?: number, end?: number | null): Float64Array;
export function getRhythmDurations(
  indices: Numbers,
  labels: Numbers,
  start?: number,
  end?: number | null,
): [durations: Float64Array, labels: Numbers];
export function getRhythmDurations(
  indices: Numbers,
  labels: Numbers | null = null,
  start = 0,
  end: number | null = null,
): Float64Array | [Float64Array, Numbers] {
  const stop = frameEnd(indices, start, end);
  const first = countUpTo(indices, start);
  const after = Math.min(countBelow(indices, stop) + 1, indices.length);
  const count = Math.max(after - first, 1);
  const durations = new Float64Array(count);
  let from = start;
  for (let k = 0; k < count; k++) {
    const to = k === count - 1 ? stop : indices[first + k];
    durations[k] = to - from;
    from = to;
  }
  return labels === null ? durations : [durations, labels.subarray(first, after)];
}

/**
 * Ends of the beats that lie in the frame with both their start and their end, and their codes. The start of a beat is the mark before
 * it, so the first mark in the frame is always dropped. Twin of `icentia11k.get_complete_beats`; parameters as in `getRhythmDurations`.
 */
export function getCompleteBeats(indices: Numbers, labels?: null, start?: number, end?: number | null): Numbers;
export function getCompleteBeats(
  indices: Numbers,
  labels: Numbers,
  start?: number,
  end?: number | null,
): [indices: Numbers, labels: Numbers];
export function getCompleteBeats(
  indices: Numbers,
  labels: Numbers | null = null,
  start = 0,
  end: number | null = null,
): Numbers | [Numbers, Numbers] {
  const stop = frameEnd(indices, start, end);
  const first = countBelow(indices, start) + 1;
  const after = countUpTo(indices, stop);
  const complete = indices.subarray(first, after);
  return labels === null ? complete : [complete, labels.subarray(first, after)];
}

/** The code with the largest total (the first one on a tie), or undefined if no total is above 0. */
function largest(totals: ArrayLike<number>, codes: readonly number[]): number | undefined {
  let winner: number | undefined;
  let best = 0;
  for (const code of codes) {
    if (totals[code] > best) {
      best = totals[code];
      winner = code;
    }
  }
  return winner;
}

/**
 * Rhythm code of a frame: the longest of undefined, atrial fibrillation and flutter if any lasts, else the longest of end, noise and
 * normal, else 0 (Quirk Q16: also where there are no marks). Twin of `icentia11k.get_rhythm_label`.
 *
 * @throws IndexError if there are codes, but not one for each duration.
 */
export function getRhythmLabel(durations: ArrayLike<number>, labels: ArrayLike<number>): number {
  if (labels.length !== 0 && labels.length !== durations.length) {
    throw new IndexError(`${durations.length} durations and ${labels.length} labels: give one label for each duration`);
  }
  const totals = new Float64Array(6);
  for (let k = 0; k < labels.length; k++) {
    const code = labels[k];
    if (code >= 0 && code < 6) totals[code] += durations[k];
  }
  return largest(totals, hiPrioRhythms) ?? largest(totals, loPrioRhythms) ?? 0;
}

/**
 * Beat code of a frame: the most frequent of premature atrial, aberrated and premature ventricular if there is any, else the more
 * frequent of undefined and normal, else 0. Codes above 4 are ignored. Twin of `icentia11k.get_beat_label`.
 *
 * @throws TypeError for codes that are not whole numbers by their type. @throws ValueError for a negative code.
 */
export function getBeatLabel(labels: Numbers): number {
  const counts = countCodes(labels, 5);
  return largest(counts, hiPrioBeats) ?? largest(counts, loPrioBeats) ?? 0;
}

/** Twin of `numpy.bincount(labels, minlength=...)`. */
function countCodes(labels: Numbers, minLength: number): Float64Array {
  if (labels instanceof Float64Array) throw new TypeError('codes have to be integers: got an array of float64');
  let length = minLength;
  for (const code of labels) {
    if (code < 0) throw new ValueError(`codes cannot be negative: got ${code}`);
    if (code >= length) length = code + 1;
  }
  if (length > 1 << 20)
    throw new ValueError(`got the code ${length - 1}: codes of beats and rhythms are small numbers`);
  const counts = new Float64Array(length);
  for (const code of labels) counts[code] += 1;
  return counts;
}

/**
 * Heart rate code of a series of QRS complexes: bradycardia below 60 beats a minute, tachycardia above 100, normal between, noise if
 * there are fewer than two. Twin of `icentia11k.get_heart_rate_label`, in its order of operations: where the mean interval is exactly
 * on a threshold, rounding decides.
 *
 * @param fs Sampling rate in Hz; null if the marks are seconds.
 */
export function getHeartRateLabel(qrsIndices: ArrayLike<number>, fs: number | null = null): number {
  const intervals = qrsIndices.length - 1;
  if (intervals < 1) return HR_NOISE;
  const seconds = new Float64Array(intervals);
  for (let k = 0; k < intervals; k++) {
    const interval = qrsIndices[k + 1] - qrsIndices[k];
    seconds[k] = fs === null ? interval : interval / fs;
  }
  const bpm = 60 / mean(seconds);
  if (bpm < 60) return HR_BRADYCARDIA;
  return bpm <= 100 ? HR_NORMAL : HR_TACHYCARDIA;
}

/**
 * How often each code occurs in each segment. Twin of `icentia11k.count_labels`.
 *
 * @returns Int32, shape `(segments, numClasses)`, row by row; wider if every segment's largest code is the same one above the classes.
 * @throws ValueError if a code of `numClasses` or more makes rows of different lengths.
 */
export function countLabels(labels: readonly Marks[], numClasses: number): number[][] {
  const rows = labels.map(([, codes]) => Array.from(countCodes(codes, numClasses)));
  const width = rows[0]?.length ?? numClasses;
  const odd = rows.findIndex((row) => row.length !== width);
  if (odd >= 0) {
    throw new ValueError(
      `segment ${odd} has codes up to ${rows[odd].length - 1}, segment 0 up to ${width - 1}: there are ${numClasses} classes`,
    );
  }
  return rows;
}

/**
 * Samples that each code covers in each segment; a mark's duration is the distance from the mark before it (the first: from 0).
 * Twin of `icentia11k.calculate_durations`.
 *
 * @returns Whole numbers, shape `(segments, numClasses)`, row by row.
 */
export function calculateDurations(labels: readonly Marks[], numClasses: number): number[][] {
  return labels.map(([positions, codes]) => {
    const totals = new Int32Array(numClasses);
    let from = 0;
    for (let k = 0; k < positions.length; k++) {
      const code = codes[k];
      if (code >= 0 && code < numClasses) totals[code] += positions[k] - from;
      from = positions[k];
    }
    return Array.from(totals);
  });
}
