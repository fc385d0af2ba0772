import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../../src/lib/numpy/random.ts';
import { rdann } from '../../../src/lib/wfdb/annotation.ts';
import { wrann } from '../../../src/lib/wfdb/write.ts';
import { loadRawLabels } from '../../../src/port/transplant/datasets/icentia11k/files.ts';
import type { RawLabels } from '../../../src/port/transplant/datasets/icentia11k.ts';
import { rawLabelsOf } from '../../../src/prepare/icentia11k/annotations.ts';
import { annotationsOf } from '../../../src/synthetic/icentia_annotations.ts';
import { haveSharedData, sharedData } from '../../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'icentia-annotations-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [noise, normal, fibrillation, flutter] = [2, 3, 4, 5];
const rhythms = [noise, normal, fibrillation, flutter];
type Labels = readonly (readonly [sample: number, code: number])[];

/** Raw labels of a segment from pairs of a sample and a code. */
function raw(beats: Labels, rhythms: Labels): RawLabels {
  const byCode = (labels: Labels, count: number) =>
    Array.from({ length: count }, (_, code) => {
      const samples = labels.filter(([, own]) => own === code).map(([sample]) => sample);
      return ndarray('int32', [samples.length], Int32Array.from(samples).sort());
    });
  return { btype: byCode(beats, 5), rtype: byCode(rhythms, 6) };
}

/** Writes the labels as the edition does and reads them again. */
function roundTrip(labels: RawLabels, samples: number): RawLabels {
  wrann(folder, 'p00000_s00', 'atr', { ...annotationsOf(labels), fs: 250 });
  return rawLabelsOf(rdann(join(folder, 'p00000_s00'), 'atr'), { file: 'p00000_s00.atr', samples });
}

type Mark = [sample: number, symbol: string, note?: string];

function convert(
  marks: readonly Mark[],
  onUnknown?: (annotation: string) => void,
): { beats: number[][]; rhythms: number[][] } {
  const { btype, rtype } = rawLabelsOf(
    {
      sample: marks.map(([at]) => at),
      symbol: marks.map(([, symbol]) => symbol),
      auxNote: marks.map(([, , note]) => note ?? ''),
    },
    { file: 'p00000_s00.atr', samples: 1000, onUnknown },
  );
  const flat = (codes: RawLabels['btype']) =>
    codes.flatMap(({ data }, code) => Array.from(data as Int32Array, (at) => [at, code])).sort(([a], [b]) => a - b);
  return { beats: flat(btype), rhythms: flat(rtype) };
}

describe('annotations written from labels, and labels read from them', () => {
  test('every sequence of rhythms up to six beats long, from the first to the last sample', () => {
    for (let length = 0; length <= 6; length++) {
      const samples = 64;
      const at = (k: number): number => (length === 1 ? 0 : Math.round((k * (samples - 1)) / (length - 1)));
      for (let number = 0; number < 4 ** length; number++) {
        const codes = Array.from({ length }, (_, k) => rhythms[Math.floor(number / 4 ** k) % 4]);
        const labels = raw(
          codes.map((_, k) => [at(k), (number + k) % 5]),
          codes.map((code, k) => [at(k), code]),
        );
        const annotations = annotationsOf(labels);
        const back = rawLabelsOf(annotations, { file: 'made', samples });
        if (!equal(back, labels)) expect(back, codes.join(' ')).toEqual(labels);
      }
    }
  });

  test('every type of beat with every rhythm, alone and in runs, through files', () => {
    for (const beat of [0, 1, 2, 3, 4]) {
      for (const code of rhythms) {
        for (const count of [1, 2, 3, 40]) {
          const places = Array.from({ length: count }, (_, k) => 1500 * k);
          const labels = raw(
            places.map((at) => [at, beat]),
            places.map((at) => [at, code]),
          );
          expect(roundTrip(labels, 1500 * count)).toEqual(labels);
        }
      }
    }
  });

  test('random labels: runs of all lengths, several labels at one sample, rhythms that begin where another ends or without a beat', () => {
    const random = new RandomState(5);
    for (let trial = 0; trial < 400; trial++) {
      const beats: [number, number][] = [];
      const labels: [number, number][] = [];
      let sample = random.randint(2);
      let before = noise;
      for (let run = 0; run < 12; run++) {
        const others = rhythms.filter((code) => code !== before);
        const code = others[random.randint(3)];
        const count = [1, 2, 3, 60][random.randint(4)];
        // The first label of a run may stand where the last one of the run before does, in the order in which the edition writes them.
        const touches = labels.length > 0 && before !== noise && code !== noise && order(code) > order(before);
        if (touches && random.randint(2) === 0) sample = labels.at(-1)![0];
        for (let k = 0; k < count; k++) {
          labels.push([sample, code]);
          const border = code !== noise && (k === 0 || k === count - 1);
          if (!(border && random.randint(8) === 0)) beats.push([sample, random.randint(5)]);
          // Two beats with the same rhythm at one sample; a single one in a run is told apart by its mark.
          if (random.randint(20) === 0 && k > 0 && k < count - 1) {
            beats.push([sample, random.randint(5)]);
            labels.push([sample, code]);
          }
          sample += 1 + random.randint(random.randint(10) === 0 ? 3000 : 300);
        }
        before = code;
      }
      const made = raw(beats, labels);
      const back = roundTrip(made, sample);
      if (!equal(back, made)) expect(back, `trial ${trial}`).toEqual(made);
    }
  });

  test('undefined and end have no mark and become noise, like beats without a rhythm', () => {
    const back = roundTrip(
      raw(
        [
          [5, 1],
          [9, 1],
          [12, 1],
          [20, 1],
        ],
        [
          [5, 0],
          [9, 1],
          [12, 3],
        ],
      ),
      30,
    );
    expect(back).toEqual(
      raw(
        [
          [5, 1],
          [9, 1],
          [12, 1],
          [20, 1],
        ],
        [
          [5, 2],
          [9, 2],
          [12, 3],
          [20, 2],
        ],
      ),
    );
  });

  test.skipIf(!haveSharedData).each([0, 16])('patient %i: all segments of its original pickle', (id) => {
    const segments = loadRawLabels(join(sharedData, 'icentia11k', 'pickle_labels'), id);
    expect(segments.length).toBe(50);
    for (const labels of segments) expect(roundTrip(labels, 2 ** 20 + 1)).toEqual(labels);
  });

  test.skipIf(!haveSharedData).each([
    [0, 'data/icentia11k'],
    [8, 'data/icentia11k'],
    [44, 'cases/icentia-real-s44'],
  ])('segment %i of patient 0: the bytes that are published, from the pickle', (segment, place) => {
    const labels = loadRawLabels(join(sharedData, 'icentia11k', 'pickle_labels'), 0)[segment];
    roundTrip(labels, 2 ** 20 + 1);
    const name = `p00000_s${String(segment).padStart(2, '0')}.atr`;
    const published = join(sharedData, '..', place, 'p00', 'p00000', name);
    expect(readFileSync(join(folder, 'p00000_s00.atr')).equals(readFileSync(published))).toBe(true);
  });
});

describe('rhythms from annotations', () => {
  const codes = (marks: readonly Mark[]) => convert(marks).rhythms;

  test('beats of every kind; noise outside a span', () => {
    const { beats, rhythms } = convert([
      [1, 'Q'],
      [5, 'N', 'None'],
      [5, '+', '(N\0'],
      [9, 'S'],
      [10, 'a'],
      [12, 'V'],
      [12, '+', ')'],
      [20, 'Q'],
    ]);
    expect(beats.map(([, code]) => code)).toEqual([0, 1, 2, 3, 4, 0]);
    expect(rhythms).toEqual([
      [1, 2],
      [5, 3],
      [9, 3],
      [10, 3],
      [12, 3],
      [20, 2],
    ]);
  });

  test('a rhythm of one beat, as (N), (AFIB), (AFL), and as a beginning and an end at one sample', () => {
    for (const [note, code] of [
      ['(N', 3],
      ['(AFIB', 4],
      ['(AFL', 5],
    ] as const) {
      expect(
        codes([
          [1, 'N'],
          [1, '+', `${note})`],
          [2, 'N'],
        ]),
      ).toEqual([
        [1, code],
        [2, 2],
      ]);
      expect(
        codes([
          [1, '+', `${note})`],
          [1, 'N'],
          [2, 'N'],
        ]),
      ).toEqual([
        [1, code],
        [2, 2],
      ]);
      expect(
        codes([
          [1, 'N'],
          [1, '+', note],
          [1, '+', ')'],
          [2, 'N'],
        ]),
      ).toEqual([
        [1, code],
        [2, 2],
      ]);
    }
  });

  test('one rhythm ends where another begins: the sample has both, in whichever order the marks and the beat stand', () => {
    const end: Mark = [3, '+', ')'];
    const begin: Mark = [3, '+', '(AFIB'];
    const beat: Mark = [3, 'N'];
    for (const here of [
      [beat, end, begin],
      [beat, begin, end],
      [end, beat, begin],
      [begin, beat, end],
      [end, begin, beat],
      [begin, end, beat],
    ]) {
      expect(codes([[1, '+', '(N'], [1, 'N'], ...here, [4, 'N'], [5, '+', ')'], [5, 'N'], [6, 'N']])).toEqual([
        [1, 3],
        [3, 3],
        [3, 4],
        [4, 4],
        [5, 4],
        [6, 2],
      ]);
    }
    expect(
      codes([
        [1, '+', '(N'],
        [3, '+', ')'],
        [3, 'N'],
        [3, '+', '(AFIB'],
        [3, '+', ')'],
        [4, 'N'],
      ]),
    ).toEqual([
      [1, 3],
      [3, 3],
      [3, 4],
      [4, 2],
    ]);
    expect(
      codes([
        [1, 'N'],
        [1, '+', '(N'],
        [3, 'N'],
        [3, '+', ')'],
        [3, '+', '(AFL)'],
        [4, 'N'],
      ]),
    ).toEqual([
      [1, 3],
      [3, 3],
      [3, 5],
      [4, 2],
    ]);
  });

  test('a span that begins within another one replaces it; a rhythm of one beat does not end it', () => {
    expect(
      codes([
        [1, 'N'],
        [1, '+', '(N'],
        [2, 'N'],
        [3, '+', '(AFL'],
        [3, 'N'],
        [4, 'N'],
        [4, '+', ')'],
        [5, 'N'],
      ]),
    ).toEqual([
      [1, 3],
      [2, 3],
      [3, 5],
      [4, 5],
      [5, 2],
    ]);
    expect(
      codes([
        [1, 'N'],
        [1, '+', '(N'],
        [2, 'N'],
        [2, '+', '(AFIB)'],
        [3, 'N'],
        [3, '+', ')'],
        [4, 'N'],
      ]),
    ).toEqual([
      [1, 3],
      [2, 4],
      [3, 3],
      [4, 2],
    ]);
  });

  test('a span without an end lasts to the last beat; an end without a beginning has no effect', () => {
    expect(
      codes([
        [0, 'N'],
        [0, '+', '(AFL'],
        [999, 'N'],
      ]),
    ).toEqual([
      [0, 5],
      [999, 5],
    ]);
    expect(
      codes([
        [1, 'N'],
        [1, '+', ')'],
        [2, 'N'],
      ]),
    ).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(
      codes([
        [1, 'N'],
        [1, '+', ')'],
        [1, '+', '(N'],
        [2, 'N'],
        [2, '+', ')'],
      ]),
    ).toEqual([
      [1, 3],
      [2, 3],
    ]);
  });

  test('marks without a beat are labels of their rhythm', () => {
    const { beats, rhythms } = convert([
      [1, '+', '(N'],
      [2, 'N'],
      [3, '+', ')'],
      [4, '+', '(AFIB)'],
      [5, 'N'],
    ]);
    expect(beats).toEqual([
      [2, 1],
      [5, 1],
    ]);
    expect(rhythms).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
      [4, 4],
      [5, 2],
    ]);
  });

  test('several beats at one sample get one label each', () => {
    expect(
      codes([
        [1, 'N'],
        [1, 'V'],
        [1, '+', '(N'],
        [2, 'N'],
        [2, 'N'],
        [3, 'N'],
        [3, 'N'],
        [3, '+', ')'],
        [4, 'Q'],
        [4, 'Q'],
      ]),
    ).toEqual([
      [1, 3],
      [1, 3],
      [2, 3],
      [2, 3],
      [3, 3],
      [3, 3],
      [4, 2],
      [4, 2],
    ]);
    expect(
      codes([
        [1, 'N'],
        [1, 'Q'],
        [1, '+', '(AFIB)'],
      ]),
    ).toEqual([
      [1, 2],
      [1, 4],
    ]);
  });

  test('no annotations at all', () => {
    expect(convert([])).toEqual({ beats: [], rhythms: [] });
  });

  const unknown: [title: string, mark: Mark, got: string][] = [
    ['a beat', [5, 'F'], 'the beat "F"'],
    ['a rhythm', [5, '+', '(VT'], 'the rhythm "(VT"'],
    ['a rhythm twice closed', [5, '+', '(N))'], 'the rhythm "(N))"'],
    ['a name of JavaScript', [5, '+', 'constructor'], 'the rhythm "constructor"'],
    ['no note', [5, '+'], 'the rhythm ""'],
    ['a note on a beat', [5, 'N', '(AFIB'], 'the beat N with the note "(AFIB"'],
    ['after the last sample', [1000, 'N'], 'an annotation outside of the segment of 1000 samples'],
  ];
  test.each(unknown)(
    '%s that the edition does not have is an error with file and place, or left out',
    (_, mark, got) => {
      expect(() => convert([[4, 'N'], mark])).toThrow(InputError);
      expect(() => convert([[4, 'N'], mark])).toThrow(`p00000_s00.atr, annotation 1 at sample ${mark[0]}`);
      expect(() => convert([[4, 'N'], mark])).toThrow(`got ${got}`);
      const left: string[] = [];
      expect(convert([[4, 'N'], mark], (annotation) => left.push(annotation))).toEqual({
        beats: [[4, 1]],
        rhythms: [[4, 2]],
      });
      expect(left).toEqual([got]);
    },
  );

  test('annotations out of order', () => {
    expect(() =>
      convert(
        [
          [5, 'N'],
          [4, 'N'],
        ],
        () => {},
      ),
    ).toThrow(/p00000_s00\.atr, annotation 1 at sample 4: .*out of order/);
  });
});

/** Place of a rhythm's marks at one sample. */
function order(code: number): number {
  return [fibrillation, flutter, normal].indexOf(code);
}

function equal(a: RawLabels, b: RawLabels): boolean {
  return (['btype', 'rtype'] as const).every((type) =>
    a[type].every(({ data }, code) => Buffer.from(data.buffer).equals(Buffer.from(b[type][code].data.buffer))),
  );
}
