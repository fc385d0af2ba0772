import { InputError } from '../../errors.ts';
import { type NdArray, ndarray } from '../../lib/numpy/ndarray.ts';
import type { RawLabels } from '../transplant/datasets/icentia11k_files.ts';

/** Annotations of a record, as `wfdb.rdann` returns them. */
export interface Annotations {
  readonly sample: ArrayLike<number>;
  readonly symbol: readonly string[];
  readonly auxNote: readonly string[];
}

const beatCodes: Readonly<Record<string, number>> = { Q: 0, N: 1, S: 2, a: 3, V: 4 };
const rhythmCodes: Readonly<Record<string, number>> = { '(N': 3, '(AFIB': 4, '(AFL': 5 };
const noise = 2;
const beatCount = 5;
const rhythmCount = 6;

/**
 * Labels of a segment in the original's form from PhysioNet's annotations. There a rhythm is a span of beats: the first one carries a
 * `+` with a note such as `(AFIB`, the last one a `+` with `)`. In the original every beat carries the code of its rhythm, and a beat
 * outside of any span that of noise.
 *
 * @param place `file` for messages, and the samples of the segment.
 * @throws InputError for marks outside of the segment or out of order, and for symbols and rhythms that the data set does not have.
 */
export function rawLabelsOf(annotations: Annotations, { file, samples }: { file: string; samples: number }): RawLabels {
  const { sample, symbol, auxNote } = annotations;
  const beats: number[][] = Array.from({ length: beatCount }, () => []);
  const rhythms: number[][] = Array.from({ length: rhythmCount }, () => []);
  let open: number | undefined;
  for (let k = 0; k < symbol.length; ) {
    const position = sample[k]!;
    const fail = (summary: string, got: string, expected: string): never => {
      throw new InputError(summary, { file, where: `annotation ${k} at sample ${position}`, got, expected });
    };
    if (position < 0 || position >= samples)
      fail('a mark outside of the segment', `sample ${position}`, `0 to ${samples - 1}`);
    if (k > 0 && position < sample[k - 1]!)
      fail('marks out of order', `${position} after ${sample[k - 1]}`, 'ascending samples');
    // All annotations of one moment: the order in which a beat and the notes about it were written does not matter.
    const here: number[] = [];
    let opens: number | undefined;
    let closes = 0;
    for (; k < symbol.length && sample[k] === position; k++) {
      if (symbol[k] !== '+') {
        here.push(beatCodes[symbol[k]!] ?? fail('an unknown beat', symbol[k]!, Object.keys(beatCodes).join(', ')));
        continue;
      }
      const note = auxNote[k]!.replace(/\0+$/, '').trim();
      if (note === ')') closes++;
      else
        opens =
          rhythmCodes[note] ??
          fail('an unknown rhythm', note || 'no note', `${Object.keys(rhythmCodes).join(', ')}, )`);
    }
    const rhythm = opens ?? open ?? noise;
    for (const code of here) {
      beats[code]!.push(position);
      rhythms[rhythm]!.push(position);
    }
    // A span that begins in an open one takes its place; one that begins and ends here is a single beat.
    const toClose = open !== undefined && opens !== undefined ? closes - 1 : closes;
    open = toClose > 0 ? undefined : (opens ?? open);
  }
  return { btype: beats.map(positionsOf), rtype: rhythms.map(positionsOf) };
}

function positionsOf(positions: readonly number[]): NdArray<'int32'> {
  return ndarray('int32', [positions.length], Int32Array.from(positions));
}
