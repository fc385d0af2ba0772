import type { NamedMutant } from './mutants.ts';

const sampling = 'port/transplant/datasets/icentia11k/sampling.ts';
const labels = 'port/transplant/datasets/icentia11k/labels.ts';
const random = 'lib/numpy/random.ts';
const listing = 'port/transplant/datasets/physionet/listing.ts';
const split = 'lib/sklearn/model_selection.ts';
const evaluation = 'port/transplant/evaluation.ts';
const scores = 'lib/sklearn/metrics.ts';

/** Errors in the processing of data, before and after the network. */
export const namedInData: readonly NamedMutant[] = [
  // sampling
  {
    name: 'a frame starts one sample late',
    file: sampling,
    search: 'yield [withChannel(signal.read(segment, start, end)), label(positions, codes, start, end)];',
    replacement: 'yield [withChannel(signal.read(segment, start + 1, end + 1)), label(positions, codes, start, end)];',
    suite: 'sampling',
  },
  {
    name: 'the label is that of the frame without its last sample',
    file: labels,
    search: 'const after = countUpTo(indices, stop);',
    replacement: 'const after = countUpTo(indices, stop - 1);',
    suite: 'sampling',
  },
  {
    name: 'the last frame of a segment can be drawn',
    file: sampling,
    search: 'return { segment, start: random.randint(length - size) };',
    replacement: 'return { segment, start: random.randint(length - size + 1) };',
    suite: 'sampling',
  },
  {
    name: 'the beat cut by the start of a frame counts',
    file: labels,
    search: 'const first = countBelow(indices, start) + 1;',
    replacement: 'const first = countBelow(indices, start);',
    suite: 'sampling',
  },
  {
    name: 'the rhythm cut by the end of a frame is dropped',
    file: labels,
    search: 'const after = Math.min(countBelow(indices, stop) + 1, indices.length);',
    replacement: 'const after = Math.min(countBelow(indices, stop), indices.length);',
    suite: 'sampling',
  },
  {
    name: 'of two equally long rhythms the later code wins',
    file: labels,
    search: 'if (totals[code] > best) {',
    replacement: 'if (totals[code] >= best) {',
    suite: 'sampling',
  },
  {
    name: 'bradycardia begins below 50 beats a minute',
    file: labels,
    search: 'if (bpm < 60) return HR_BRADYCARDIA;',
    replacement: 'if (bpm < 50) return HR_BRADYCARDIA;',
    suite: 'sampling',
  },
  {
    name: 'labels tachycardia and bradycardia exchanged',
    file: labels,
    search: 'export const HR_TACHYCARDIA = 0;\nexport const HR_BRADYCARDIA = 1;',
    replacement: 'export const HR_TACHYCARDIA = 1;\nexport const HR_BRADYCARDIA = 0;',
    suite: 'sampling',
  },
  {
    name: 'the positive sample is never the last one',
    file: sampling,
    search: 'const y = random.randint(ns + 1);',
    replacement: 'const y = random.randint(ns);',
    suite: 'sampling',
  },
  {
    name: 'negative samples start where the context does, without a draw',
    file: sampling,
    search: 'const otherStart = random.randint(other.shape[1] - frameSize);',
    replacement: 'const otherStart = start;',
    suite: 'sampling',
  },
  {
    name: 'every pass shuffles sorted patients instead of the order before',
    file: sampling,
    search: 'if (shuffle) random.shuffle(ids);',
    replacement: 'ids.sort((a, b) => a - b);\n    if (shuffle) random.shuffle(ids);',
    suite: 'sampling',
  },
  {
    name: 'bounded integers by remainder instead of rejection',
    file: random,
    search: 'const value = (this.#word() & mask) >>> 0;',
    replacement: 'const value = this.#word() % (max + 1);',
    suite: 'sampling',
  },
  {
    name: 'doubles of 52 random bits',
    file: random,
    search: 'const a = this.#word() >>> 5;',
    replacement: 'const a = (this.#word() >>> 6) * 2;',
    suite: 'sampling',
  },
  {
    name: 'the first 624 words of a seed are passed over',
    file: random,
    search: '      checkSeed(seed);\n      this.#seedWord(seed);',
    replacement:
      '      checkSeed(seed);\n      this.#seedWord(seed);\n      this.#generate();\n      this.#position = N;',
    suite: 'sampling',
  },
  // preprocessing
  {
    name: 'the checksum of a signal taken for its initial value',
    file: 'lib/wfdb/header.ts',
    search: "place.integer('initial value', initial)",
    replacement: "place.integer('initial value', checksum)",
    suite: 'preprocessing',
  },
  {
    name: 'padding behind the recording',
    file: 'port/transplant/utils/padding.ts',
    search: "padding === 'pre' ? [sequence.length - kept, row.length - kept]",
    replacement: "padding === 'pre' ? [sequence.length - kept, 0]",
    suite: 'preprocessing',
  },
  {
    name: 'a long recording loses its end',
    file: 'port/transplant/utils/padding.ts',
    search: "padding === 'pre' ? [sequence.length - kept, row.length - kept]",
    replacement: "padding === 'pre' ? [0, row.length - kept]",
    suite: 'preprocessing',
  },
  {
    name: 'normalised after resampling, in another precision',
    file: 'port/finetuning/datasets/preparation.ts',
    search:
      '  for (const { pSignal } of records) normalize?.(pSignal, true);\n  return fs ? resampled(records, fs, resampler) : records.map(({ pSignal }) => pSignal);',
    replacement:
      '  const signals = fs ? resampled(records, fs, resampler) : records.map(({ pSignal }) => pSignal);\n  return signals.map((signal) => normalize?.(signal, true) ?? signal);',
    suite: 'preprocessing',
  },
  {
    name: 'standard deviations of leads I and II exchanged',
    file: 'port/transplant/datasets/physionet.ts',
    search: '0.2137, 0.2356,',
    replacement: '0.2356, 0.2137,',
    suite: 'preprocessing',
  },
  {
    name: 'divided by the variance',
    file: 'port/transplant/datasets/physionet/normalization.ts',
    search: '- m[lead]) / s[lead]);',
    replacement: '- m[lead]) / s[lead] ** 2);',
    suite: 'preprocessing',
  },
  {
    name: 'the resampler rounds the number of samples down',
    file: 'lib/samplerate/native.ts',
    search: 'const room = Math.ceil(frames * ratio);',
    replacement: 'const room = Math.floor(frames * ratio);',
    suite: 'preprocessing',
  },
  {
    name: 'classes in the order of their first record',
    file: listing,
    search: 'const columns = [...new Set(rows.map((row) => row.label))].sort(byCodePoint);',
    replacement: 'const columns = [...new Set(rows.map((row) => row.label))];',
    suite: 'preprocessing',
  },
  {
    name: 'only the first diagnosis of a record counts',
    file: listing,
    search: ".split(',')\n    .map((code) => code.trim());",
    replacement: ".split(',')\n    .slice(0, 1)\n    .map((code) => code.trim());",
    suite: 'preprocessing',
  },
  // splits
  {
    name: 'the test part is rounded down',
    file: split,
    search: 'const testCount = isFraction(test) ? Math.ceil(test * samples) : test;',
    replacement: 'const testCount = isFraction(test) ? Math.floor(test * samples) : test;',
    suite: 'splits',
  },
  {
    name: 'the training part is cut off first',
    file: split,
    search: 'return { train: order.slice(testCount, testCount + trainCount), test: order.slice(0, testCount) };',
    replacement: 'return { train: order.slice(0, trainCount), test: order.slice(trainCount, trainCount + testCount) };',
    suite: 'splits',
  },
  {
    name: 'what rounding leaves goes to the first classes, not by lot',
    file: split,
    search: 'for (const i of generator.choice(equal, { size: count, replace: false })) result[i]++;',
    replacement: 'for (const i of equal.slice(0, count)) result[i]++;',
    suite: 'splits',
  },
  {
    name: 'stratified parts stay sorted by class',
    file: split,
    search: 'return { train: generator.permutation(train), test: generator.permutation(test) };',
    replacement: 'return { train, test };',
    suite: 'splits',
  },
  // metrics
  {
    name: 'tied scores one after the other',
    file: scores,
    search: 'if (next !== undefined && scores[next] === scores[sample]) continue;',
    replacement: '',
    suite: 'metrics',
  },
  {
    name: 'a class that never occurs scores 1',
    file: scores,
    search: 'return whole === 0 ? 0 : part / whole;',
    replacement: 'return whole === 0 ? 1 : part / whole;',
    suite: 'metrics',
  },
  {
    name: 'the largest F1 at the last of its thresholds',
    file: evaluation,
    search: 'if (f > score) [best, score] = [i, f];',
    replacement: 'if (f >= score) [best, score] = [i, f];',
    suite: 'metrics',
  },
  {
    name: 'a probability has to exceed its threshold',
    file: 'lib/decisions.ts',
    search: "p >= (typeof single === 'number' ? single : single[i % columns]) ? 1 : 0,",
    replacement: "p > (typeof single === 'number' ? single : single[i % columns]) ? 1 : 0,",
    suite: 'metrics',
  },
  {
    name: 'of equally good thresholds the lowest is chosen',
    file: 'lib/thresholds.ts',
    search: '(value > merits[found] ? i : found)',
    replacement: '(value >= merits[found] ? i : found)',
    suite: 'metrics',
  },
  {
    name: 'F-beta with beta not squared',
    file: evaluation,
    search: 'f += (weight * weightedTp) / (weightedTp + fp + betaF ** 2 * fn);',
    replacement: 'f += (weight * weightedTp) / (weightedTp + fp + betaF * fn);',
    suite: 'metrics',
  },
  {
    name: 'sums from left to right',
    file: 'lib/numpy/sum.ts',
    search: 'const BLOCK = 128;',
    replacement: 'const BLOCK = 8192;',
    suite: 'metrics',
  },
  {
    name: 'the unbiased standard deviation (ddof 1)',
    file: 'port/transplant/utils.ts',
    search: 'return [mean, Math.sqrt(variance)];',
    replacement: 'return [mean, Math.sqrt((variance * count) / (count - 1))];',
    suite: 'preprocessing',
  },
  // files
  {
    name: 'an opcode that repeats a value does nothing',
    file: 'lib/python/pickle_reader.ts',
    search: 'this.#push(this.#top());',
    replacement: 'this.#top();',
    suite: 'files',
  },
  {
    name: "large floats in JavaScript's format",
    file: 'lib/python/float_repr.ts',
    search: 'if (exponent < -4 || exponent >= 16) {',
    replacement: 'if (exponent < -6 || exponent >= 21) {',
    suite: 'files',
  },
  {
    name: 'quotation marks in a cell are not doubled',
    file: 'lib/pandas/csv_writer.ts',
    search: `\`"\${cell.replaceAll('"', '""')}"\` : cell`,
    replacement: '`"$' + '{cell}"` : cell',
    suite: 'files',
  },
  {
    name: 'the history with Unix line ends',
    file: 'lib/keras/callbacks.ts',
    search: "fields.join(',')}\\r\\n`",
    replacement: "fields.join(',')}\\n`",
    suite: 'files',
  },
  // published
  {
    name: 'F1 of a class over true samples only',
    file: scores,
    search: 'f1: ratio(2 * tp, support + predicted),\n    support,',
    replacement: 'f1: ratio(2 * tp, 2 * support),\n    support,',
    suite: 'published',
  },
  {
    name: 'the area under the curve by rectangles',
    file: scores,
    search: 'areas[i] = ((x[i + 1] - x[i]) * (y[i + 1] + y[i])) / 2;',
    replacement: 'areas[i] = (x[i + 1] - x[i]) * y[i + 1];',
    suite: 'published',
  },
];
