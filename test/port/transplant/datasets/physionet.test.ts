import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/errors.ts';
import type { ProgressEvent } from '../../../../src/events.ts';
import { type NdArray, ndarray } from '../../../../src/lib/numpy/ndarray.ts';
import { KeyError, ValueError } from '../../../../src/lib/python/errors.ts';
import { openResampler } from '../../../../src/lib/samplerate/resample.ts';
import { listPtbXlData } from '../../../../src/port/transplant/datasets/physionet/listing.ts';
import {
  type Collection,
  normalizeChallenge17,
  normalizeChallenge20,
  normalizePtbXl,
  readChallenge17Data,
  readChallenge20Data,
  readPtbXlData,
  resampleRecords,
} from '../../../../src/port/transplant/datasets/physionet.ts';
import { writeChallenge17, writeChallenge20, writePtbXl } from '../../../prepare/collections.ts';
import { callPython, tellArray } from '../../../prepare/prepare_python.ts';
import { proves } from '../../../proofs/proves.ts';
import { runPython } from '../../../python.ts';
import { haveSharedData, sharedData } from '../../../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'physionet-'));
const at = (...names: string[]): string => join(folder, ...names);
beforeAll(() => {
  writeChallenge17(at('c17'), { A1: 'N', A2: 'A', A3: 'N', A4: '~' });
  writeFileSync(at('c17', 'RECORDS'), 'A3\nA1\nmissing\nA2\n');
  writeChallenge20(at('c20'), { 'Q-1': '59118001', Q: '426783006,164889003', Q2: '59118001, 164889003' });
  writePtbXl(at('ptb'), [
    { id: 7, patient: 3, fold: 1, codes: "{'SR': 0.0, 'NORM': 100.0}" },
    { id: 2, patient: 4, fold: 2, codes: "{'AFIB': 100.0, 'SR': 15.0}" },
    { id: 5, patient: 3, fold: 10, codes: "{'PVC': 100.0}" },
  ]);
});
afterAll(() => rmSync(folder, { recursive: true }));

function tell({ records, labels }: Collection): object {
  return {
    records: records.map((record) => [`${record.recordName}`, record.fs, tellArray(record.pSignal)]),
    index: labels.index,
    columns: labels.columns,
    values: tellArray(labels.values),
  };
}

describe('transplant.datasets.physionet readers', () => {
  it('read_challenge17_data, read_challenge20_data, read_ptb_xl_data: records, order, labels as Python', async () => {
    proves(
      'transplant.datasets.physionet.read_challenge17_data',
      'transplant.datasets.physionet.read_challenge20_data',
      'transplant.datasets.physionet.read_ptb_xl_data',
    );
    const [c17, c20, ptb] = [at('c17'), at('c20'), at('ptb')];
    const python = await callPython([
      { call: 'read_challenge17_data', args: [c17] },
      { call: 'read_challenge20_data', args: [c20] },
      { call: 'read_ptb_xl_data', args: [ptb] },
      { call: 'read_ptb_xl_data', args: [ptb], kwargs: { fs: 'lr', category: 'form', remove_empty: false } },
      { call: 'read_ptb_xl_data', args: [ptb], kwargs: { folds: [2, 10], remove_empty: false } },
      ...(haveSharedData
        ? [{ call: 'read_challenge20_data', args: [join(sharedData, 'challenge2020', 'labelled')] }]
        : []),
    ]);
    const got: Collection[] = [
      readChallenge17Data(c17),
      readChallenge20Data(c20),
      readPtbXlData(ptb),
      readPtbXlData(ptb, { fs: 'lr', category: 'form', removeEmpty: false }),
      readPtbXlData(ptb, { folds: [2, 10], removeEmpty: false }),
      ...(haveSharedData ? [readChallenge20Data(join(sharedData, 'challenge2020', 'labelled'))] : []),
    ];
    expect(got.map(tell)).toEqual(python);
    expect(got[0].labels.index).toEqual(['A3', 'A1', 'A2']);
  });

  it.skipIf(!haveSharedData)(
    'read_ptb_xl_data: the twelve rhythm classes of the real statements, in file order',
    () => {
      const classes = 'SR AFIB STACH SARRH SBRAD PACE SVARR BIGU AFLT SVTAC PSVT TRIGU'.split(' ');
      expect(listPtbXlData(join(sharedData, 'ptbxl'), { fs: 'lr' }).labels.columns).toEqual(classes);
    },
  );

  it('resample_records: a record that has the rate gives its own signal', async () => {
    const { records } = readChallenge17Data(at('c17'));
    const resampler = await openResampler('javascript');
    const same = resampleRecords(records, 300, resampler);
    expect(same[1]).toBe(records[1].pSignal);
    const [other] = resampleRecords(records, 250, resampler);
    expect([other.dtype, other.shape]).toEqual(['float32', [811, 1]]);
  });
});

describe('transplant.datasets.physionet.normalize_*', () => {
  it('normalize_challenge17, normalize_challenge20, normalize_ptb_xl, _normalize: dtypes and bits as NumPy, in place or not', async () => {
    const values = Array.from({ length: 48 }, (_, i) => Math.sin(i * 1.7) * 3);
    const functions = {
      normalize_challenge17: normalizeChallenge17,
      normalize_challenge20: normalizeChallenge20,
      normalize_ptb_xl: normalizePtbXl,
    };
    const program = `
import importlib.util, json, sys, numpy as np
# The module alone: its package would import TensorFlow.
spec = importlib.util.spec_from_file_location("physionet", "original/transplant/datasets/physionet.py")
physionet = importlib.util.module_from_spec(spec)
spec.loader.exec_module(physionet)
values = json.load(sys.stdin)
out = []
for name in ("normalize_challenge17", "normalize_challenge20", "normalize_ptb_xl"):
    for dtype in ("float32", "float64"):
        for inplace in (False, True):
            x = np.array(values, dtype).reshape(4, 1 if name.endswith("17") else 12, -1).transpose(0, 2, 1).copy()
            y = getattr(physionet, name)(x, inplace=inplace)
            out.append([y.dtype.name, list(y.shape), (y is x) == inplace, y.ravel().astype(float).tolist()])
print(json.dumps(out))`;
    const expected = JSON.parse(await runPython(['-c', program], { input: JSON.stringify(values) }));
    const got = Object.entries(functions).flatMap(([name, run]) =>
      (['float32', 'float64'] as const).flatMap((dtype) =>
        [false, true].map((inplace) => {
          const leads = name.endsWith('17') ? 1 : 12;
          const perLead = 12 / leads;
          const data = dtype === 'float32' ? new Float32Array(48) : new Float64Array(48);
          values.forEach((value, i) => {
            const [row, lead, k] = [Math.floor(i / 12), Math.floor((i % 12) / perLead), i % perLead];
            data[row * 12 + k * leads + lead] = value;
          });
          const x = ndarray(dtype, [4, perLead, leads], data) as NdArray<'float32' | 'float64'>;
          const y = run(x, inplace);
          return [y.dtype, y.shape, (y === x) === inplace, Array.from(y.data)];
        }),
      ),
    );
    expect(got).toEqual(expected);
  });

  it('refuses another number of leads', () => {
    expect(() => normalizePtbXl(ndarray('float64', [2, 3], new Float64Array(6)))).toThrow(ValueError);
  });
});

describe('transplant.datasets.physionet: bad input', () => {
  it('missing folders and index files, wrong options: ValueError, KeyError as in Python', async () => {
    mkdirSync(at('empty'));
    for (const read of [readChallenge17Data, readChallenge20Data, readPtbXlData] as ((dir: string) => unknown)[]) {
      expect(() => read(at('none'))).toThrow(ValueError);
    }
    expect(() => readChallenge17Data(at('empty'))).toThrow(/RECORDS is missing in/);
    expect(() => readPtbXlData(at('empty'))).toThrow(/ptbxl_database.csv is missing in/);
    expect(() => readPtbXlData(at('ptb'), { fs: 'mr' as 'hr' })).toThrow(
      /fs must be 'lr' \(100 Hz\) or 'hr' \(500 Hz\)/,
    );
    expect(() => readPtbXlData(at('ptb'), { category: 'shape' })).toThrow(KeyError);
  });

  const change = (name: string, source: string, file: string, edit: (text: string) => string | Buffer): string => {
    cpSync(at(source), at(name), { recursive: true });
    writeFileSync(at(name, file), edit(readFileSync(at(name, file), 'utf8')));
    return at(name);
  };

  it('damaged index files: InputError naming file and line', () => {
    const cases: [() => unknown, RegExp][] = [
      [
        () => readChallenge17Data(change('b1', 'c17', 'REFERENCE.csv', (text) => text.replace('A2,A', 'A2'))),
        /REFERENCE\.csv, line \d+/,
      ],
      [
        () => readChallenge17Data(change('b2', 'c17', 'REFERENCE.csv', (text) => text.replace('A2,A', 'A2,'))),
        /REFERENCE\.csv, line 2: the row does not have the expected fields; got "A2,"/,
      ],
      [
        () => readChallenge17Data(change('b3', 'c17', 'REFERENCE.csv', () => Buffer.from([0x41, 0xff, 0x2c, 0x4e]))),
        /not UTF-8/,
      ],
      [
        () =>
          readPtbXlData(
            change('b4', 'ptb', 'ptbxl_database.csv', (text) => text.replace("{'AFIB'", "{__import__('os')")),
          ),
        /ptbxl_database\.csv, line 3, scp_codes: the statements cannot be read/,
      ],
      [
        () =>
          readPtbXlData(
            change('b5', 'ptb', 'ptbxl_database.csv', (text) =>
              text.replace('records500/00000/00007_hr', '../../00007_hr'),
            ),
          ),
        /a record lies outside the folder/,
      ],
      [
        () => readPtbXlData(change('b6', 'ptb', 'ptbxl_database.csv', (text) => text.replace('\n2,4.0', '\ntwo,4.0'))),
        /line 3: ecg_id is not a whole number; got "two"/,
      ],
      [
        () => readPtbXlData(change('b7', 'ptb', 'ptbxl_database.csv', (text) => text.replace('scp_codes', 'codes'))),
        /columns are missing; got .*; expected scp_codes/,
      ],
    ];
    for (const [read, message] of cases) {
      expect(read).toThrow(message);
      expect(read).toThrow(InputError);
    }
  });

  it('Quirk Q28: not one Dx comment per record: shifted labels are warned of, a wrong count is ValueError', () => {
    const none = change('q28', 'c20', 'Q.hea', (text) => text.replace(/#Dx.*\n/, ''));
    expect(() => readChallenge20Data(none)).toThrow(ValueError);
    writeFileSync(join(none, 'Q2.hea'), `${readFileSync(join(none, 'Q2.hea'), 'utf8')}#Dx: 1\n`);
    const events: ProgressEvent[] = [];
    const { labels } = readChallenge20Data(none, (event) => events.push(event));
    expect(labels.index).toEqual(['Q-1', 'Q', 'Q2']);
    expect(events.filter((event) => event.kind === 'warning')).toHaveLength(2);
  });
});
