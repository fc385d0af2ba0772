import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/errors.ts';
import type { ProgressEvent } from '../../../../src/events.ts';
import { type NdArray, ndarray } from '../../../../src/lib/numpy/ndarray.ts';
import { AttributeError, KeyError, ValueError } from '../../../../src/lib/python/errors.ts';
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

  it('paths that are not text: TypeError as in Python', () => {
    for (const read of [readChallenge17Data, readChallenge20Data, readPtbXlData] as ((dir: unknown) => unknown)[]) {
      for (const path of [5, null, [at('c17')]]) expect(() => read(path)).toThrow(TypeError);
      expect(() => read('a\0b')).toThrow(ValueError);
    }
    expect(() => readPtbXlData(at('ptb'), { folds: 5 as never })).toThrow(TypeError);
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
        () => readPtbXlData(change('b7', 'ptb', 'ptbxl_database.csv', (text) => text.replace('\n2,4.0', '\n7,4.0'))),
        /ptbxl_database\.csv, line 3: another row has the same ecg_id; got 7/,
      ],
    ];
    for (const [read, message] of cases) {
      expect(read).toThrow(message);
      expect(read).toThrow(InputError);
    }
  });

  it('columns, rows or fields that are missing or too many: the types of errors of Python, and what is there', () => {
    const database = (name: string, edit: (text: string) => string): string =>
      change(name, 'ptb', 'ptbxl_database.csv', edit);
    const without = (column: string): string => database(`no_${column}`, (text) => text.replace(column, 'other'));
    const cases: [() => unknown, new (...args: never[]) => Error, RegExp][] = [
      [() => readPtbXlData(without('scp_codes')), AttributeError, /no column "scp_codes"; it has ecg_id, patient_id/],
      [() => readPtbXlData(without('strat_fold'), { folds: [1] }), AttributeError, /no column "strat_fold"/],
      [() => readPtbXlData(without('ecg_id')), ValueError, /no column "ecg_id"/],
      [() => readPtbXlData(without('filename_hr')), KeyError, /no column "filename_hr"/],
      [() => readPtbXlData(database('empty_database', () => '')), ValueError, /ptbxl_database\.csv is empty/],
      [() => readPtbXlData(at('ptb'), { folds: [3, 4] }), ValueError, /lists no records with strat_fold 3, 4/],
      [
        () => readChallenge17Data(change('three', 'c17', 'REFERENCE.csv', (text) => text.trim().replace(/$/gm, ',x'))),
        KeyError,
        /REFERENCE\.csv: the first row has 3 fields, expected 2/,
      ],
    ];
    for (const [read, type, message] of cases) {
      expect(read).toThrow(message);
      expect(read).toThrow(type);
    }
    expect(readPtbXlData(at('no_strat_fold')).labels.index).toEqual([7, 2]);
    expect(readPtbXlData(without('patient_id')).labels.index).toEqual([7, 2]);
  });

  it('statements as a list, a class that is listed twice, classes marked by True: as pandas reads them', async () => {
    const list = change('list', 'ptb', 'ptbxl_database.csv', (text) =>
      text.replace("{'AFIB': 100.0, 'SR': 15.0}", "['SR']"),
    );
    const twice = change('twice', 'ptb', 'scp_statements.csv', (text) => `${text}SR,again,,,1.0\n`);
    const words = change('words', 'ptb', 'scp_statements.csv', (text) => text.replaceAll('1.0', 'True'));
    const mixed = change('mixed', 'ptb', 'scp_statements.csv', (text) => text.replace('rhythm,,,1.0', 'rhythm,,,x'));
    const folders = [list, twice, words];
    const kwargs = { remove_empty: false };
    const python = await callPython(folders.map((dir) => ({ call: 'read_ptb_xl_data', args: [dir], kwargs })));
    expect(folders.map((dir) => tell(readPtbXlData(dir, { removeEmpty: false })))).toEqual(python);
    // Text in the column: pandas compares it as text, and none of it equals 1.
    expect(readPtbXlData(mixed, { removeEmpty: false }).labels.columns).toEqual([]);
  });

  it('Quirk Q28: no Dx comment makes no classes; a single one holds for every record, as in pandas', async () => {
    const none = change('nodx', 'c20', 'Q.hea', (text) => text.replace(/#Dx.*\n/, ''));
    for (const name of ['Q-1', 'Q2'])
      change(`nodx_${name}`, 'nodx', `${name}.hea`, (text) => text.replace(/#Dx.*\n/, ''));
    writeFileSync(join(none, 'Q2.hea'), readFileSync(at('nodx_Q2', 'Q2.hea')));
    const [python] = await callPython([{ call: 'read_challenge20_data', args: [none] }]);
    expect(tell(readChallenge20Data(none))).toEqual(python);
    writeFileSync(join(none, 'Q-1.hea'), readFileSync(at('nodx_Q-1', 'Q-1.hea')));
    const { labels } = readChallenge20Data(none);
    expect([labels.index, labels.columns, labels.values.shape]).toEqual([['Q-1', 'Q', 'Q2'], [], [3, 0]]);
  });

  it('Quirk Q28: not one Dx comment per record: shifted labels are warned of, a wrong count is ValueError', () => {
    const none = change('q28', 'c20', 'Q.hea', (text) => text.replace(/#Dx.*\n/, ''));
    expect(() => readChallenge20Data(none)).toThrow(ValueError);
    expect(() => readChallenge20Data(none)).toThrow(/2 Dx comments for 3 records/);
    writeFileSync(join(none, 'Q2.hea'), `${readFileSync(join(none, 'Q2.hea'), 'utf8')}#Dx: 1\n`);
    const events: ProgressEvent[] = [];
    const { labels } = readChallenge20Data(none, (event) => events.push(event));
    expect(labels.index).toEqual(['Q-1', 'Q', 'Q2']);
    expect(events.filter((event) => event.kind === 'warning')).toHaveLength(2);
  });
});
