import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../src/events.ts';
import { loadSync } from '../../src/lib/python/pickle.ts';
import { wrsamp } from '../../src/lib/wfdb/write.ts';
import { dataSetFromPickle } from '../../src/port/finetuning/datasets/data_set.ts';
import { challenge20Std, readChallenge20Data } from '../../src/port/transplant/datasets/physionet.ts';
import { collectionKinds } from '../../src/prepare/collections.ts';
import { type PrepareOptions, prepareData } from '../../src/prepare/prepare_data.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { twelve, writeChallenge17, writeChallenge20, writePtbXl } from './collections.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

async function prepare(format: string, source: string, change: Partial<PrepareOptions> = {}) {
  const said: string[] = [];
  const report = (event: ProgressEvent): void => {
    if (event.kind === 'message' || event.kind === 'warning') said.push(event.text);
  };
  const target = `${source}-out`;
  const options = {
    format,
    source,
    target,
    pad: 300,
    seed: 1,
    threads: 1,
    resampler: 'javascript',
    testSize: 0,
    name: 'x',
  } as const;
  const contract = await prepareData({ ...options, force: true, report, ...change });
  const file = join(target, Object.values(contract.files)[0].file);
  return { contract, said, set: dataSetFromPickle(loadSync(file), file) };
}

/** Moves a record of a folder below it. */
function move(source: string, name: string, to: string, endings = ['hea', 'mat']): void {
  mkdirSync(dirname(join(source, to)), { recursive: true });
  for (const ending of endings) renameSync(join(source, `${name}.${ending}`), join(source, `${to}.${ending}`));
}

describe("PhysioNet's layout of folders in folders", () => {
  it('Challenge 2017: RECORDS names A00/A00001, REFERENCE.csv A00001', async () => {
    const source = at('c17');
    writeChallenge17(source, { A1: 'N', A2: 'A', B1: 'N', B2: 'A' });
    for (const name of ['A1', 'A2', 'B1', 'B2']) move(source, name, `${name[0]}00/${name}`);
    writeFileSync(join(source, 'RECORDS'), 'A00/A1\nA00/A2\nB00/B1\nB00/B2\n');
    const { set } = await prepare('challenge17', source);
    expect(set.recordIds).toEqual(['A1', 'A2', 'B1', 'B2']);
    writeFileSync(join(source, 'RECORDS'), 'A00/\nB00\n');
    writeFileSync(join(source, 'A00', 'RECORDS'), 'A1\nA2\n');
    writeFileSync(join(source, 'B00', 'RECORDS'), 'B1\n');
    const listed = await prepare('challenge17', source);
    expect(listed.set.recordIds).toEqual(['A1', 'A2', 'B1']);
    expect(listed.set.y.data).toEqual(set.y.data.slice(0, 6));
    writeFileSync(join(source, 'RECORDS'), '../c17/A00/A1\n');
    await expect(prepare('challenge17', source)).resolves.toBeDefined();
    writeFileSync(join(source, 'RECORDS'), '../other/A1\n');
    await expect(prepare('challenge17', source)).rejects.toThrow(/RECORDS: a record lies outside the folder/);
  });

  it('Challenge 2017: refuses a label that fits two records of one name', async () => {
    const source = at('c17same');
    writeChallenge17(source, { A1: 'N', A2: 'A' });
    move(source, 'A1', 'g1/A1');
    writeFileSync(join(source, 'RECORDS'), 'g1/A1\ng2/A1\n');
    await expect(prepare('challenge17', source)).rejects.toThrow(
      /REFERENCE\.csv: several records have this name, so its label is ambiguous; got A1/,
    );
  });

  it('Challenge 2020: record ids include the folder if two records have one name', async () => {
    const source = at('c20');
    writeChallenge20(source, { E1: '1', E2: '2', E3: '1' });
    for (const [name, group] of [
      ['E1', 'g1'],
      ['E2', 'g1'],
      ['E3', 'set/g2'],
    ])
      move(source, name, `${group}/${name}`);
    expect((await prepare('challenge20', source)).set.recordIds).toEqual(['E1', 'E2', 'E3']);
    writeChallenge20(join(source, 'g2'), { E1: '2' });
    expect((await prepare('challenge20', source)).set.recordIds).toEqual(['g1/E1', 'g1/E2', 'g2/E1', 'set/g2/E3']);
    symlinkSync('..', join(source, 'g1', 'loop'));
    await expect(prepare('challenge20', source)).rejects.toThrow(/folders are nested too deeply/);
  });

  it('Challenge 2020: a folder with records of its own is read as the original reads it, without sub-folders', async () => {
    const source = at('c20flat');
    writeChallenge20(source, { E1: '1', E2: '2' });
    writeChallenge20(join(source, 'g1'), { E3: '1' });
    expect((await prepare('challenge20', source)).set.recordIds).toEqual(['E1', 'E2']);
  });
});

describe('labels that are missing', () => {
  it('Challenge 2020: drops the empty class, and names the records without a diagnosis that it leaves out', async () => {
    const source = at('dx');
    writeChallenge20(source, { E1: '426783006,', E2: '', E3: '164889003', E4: ' , 426783006' });
    const { contract, set, said } = await prepare('challenge20', source);
    expect(contract.classes).toEqual(['164889003', '426783006']);
    expect(set.recordIds).toEqual(['E1', 'E3', 'E4']);
    expect(Array.from(set.y.data, Number)).toEqual([0, 1, 1, 0, 0, 1]);
    expect(said).toContain('left out because they have no label: 1 record (E2)');
    // The twin of the original's reader keeps the class without a name.
    expect(readChallenge20Data(source).labels.columns).toEqual(['', '164889003', '426783006']);
  });

  it('Challenge 2020: refuses a diagnosis with characters that WFDB would drop', async () => {
    const source = at('wide');
    writeChallenge20(source, { E1: '426783006\uff0c164889003' });
    await expect(prepare('challenge20', source)).rejects.toThrow(
      /E1\.hea: the Dx comment has characters that are not ASCII/,
    );
  });

  it('Challenge 2017 and PTB-XL name the records that they leave out', async () => {
    const source = at('c17part');
    writeChallenge17(source, { A1: 'N', A2: 'A', A3: 'N' });
    writeFileSync(join(source, 'REFERENCE.csv'), 'A1,N\nA3,N\n');
    expect((await prepare('challenge17', source)).said).toContain('left out because they have no label: 1 record (A2)');
    const row = { patient: 1, fold: 1 };
    writePtbXl(at('ptb'), [
      { ...row, id: 1, codes: "{'NORM': 100.0}" },
      { ...row, id: 2, codes: "{'SR': 0.0}" },
      { ...row, id: 3, codes: '{}' },
    ]);
    expect((await prepare('ptb-xl', at('ptb'))).said).toContain(
      'left out because they have no label: 2 records (1, 3)',
    );
  });

  it('names recordings that labels.csv does not list', async () => {
    const source = at('own');
    mkdirSync(source);
    for (const name of ['a', 'b', 'c'])
      writeFileSync(
        join(source, `${name}.csv`),
        `I\n${Array.from({ length: 400 }, (_, i) => Math.sin(i / (5 + (name.charCodeAt(0) % 3)))).join('\n')}\n`,
      );
    writeFileSync(join(source, 'labels.csv'), 'record,labels\na,N\nb.csv,AF\n');
    const { said, set } = await prepare('wfdb-csv', source, { recordFs: 250 });
    expect(said).toContain('left out because labels.csv does not list them: 1 recording (c)');
    expect(set.recordIds).toEqual(['a', 'b.csv']);
    for (const text of [
      'record;labels\na;N\nb;AF\n',
      'record\tlabels\na\tN\nb\tAF\n',
      'record, labels\na,N\nb,AF\n',
      '\ufeffrecord,labels\na,N\nb,AF\n',
    ]) {
      writeFileSync(join(source, 'labels.csv'), text);
      expect((await prepare('wfdb-csv', source, { recordFs: 250 })).contract.classes, text).toEqual(['AF', 'N']);
    }
    writeFileSync(
      join(source, 'labels.csv'),
      Buffer.from('record,labels,patient\na,N,M\u00fcller\nb,AF,M\u00f6ller\n', 'latin1'),
    );
    expect((await prepare('wfdb-csv', source, { recordFs: 250 })).set.patientIds).toEqual([
      'M\u00fcller',
      'M\u00f6ller',
    ]);
    writeFileSync(join(source, 'labels.csv'), 'record,labels,fold\na,N,0x1\nb,AF,2\n');
    await expect(prepare('wfdb-csv', source, { recordFs: 250 })).rejects.toThrow(
      /line 2: fold is not a whole number; got "0x1"/,
    );
  });
});

describe('--leads', () => {
  it('uses mean and standard deviation of the chosen leads, in their order', async () => {
    const source = at('some');
    writeChallenge20(source, { E1: '1', E2: '2' });
    const { contract } = await prepare('challenge20', source, { leads: ['V1', 'avr', 'II'] });
    expect(contract).toMatchObject({
      leads: ['V1', 'avr', 'II'],
      normalization: { mean: [0, 0, 0], std: [6, 3, 1].map((i) => challenge20Std[i]) },
    });
    const all = await prepare('challenge20', source);
    expect(all.contract.normalization).toEqual({ mean: Array(12).fill(0), std: challenge20Std });
    const [some] = [(await prepare('challenge20', source, { leads: ['II'], fs: null, pad: 'max' })).set];
    const whole = (await prepare('challenge20', source, { fs: null, pad: 'max' })).set;
    expect(some.x.data.slice(0, 5)).toEqual(whole.x.data.filter((_, i) => i % 12 === 1).slice(0, 5));
    writePtbXl(at('ptbleads'), [{ id: 1, patient: 1, fold: 1, codes: "{'SR': 0.0}" }]);
    expect((await prepare('ptb-xl', at('ptbleads'), { leads: ['aVF'] })).contract.normalization).toEqual({
      mean: [-0.0004],
      std: [0.15],
    });
  });

  it('refuses a lead without a published mean; twelve leads of other names are normalised by their order', async () => {
    const source = at('odd');
    const samples = (seed: number): Int16Array =>
      Int16Array.from({ length: 400 }, (_, i) => 500 * Math.sin(i / (seed + 5)));
    mkdirSync(source);
    const signals = twelve.map((name, i) => ({ name: `lead ${name}`, gain: 1000, samples: samples(i) }));
    wrsamp(source, { recordName: 'E1', fs: 500, signals, comments: ['Dx: 1'], format: '16+24' });
    expect((await prepare('challenge20', source)).contract.normalization).toMatchObject({ std: challenge20Std });
    await expect(prepare('challenge20', source, { leads: ['lead II'] })).rejects.toThrow(
      /no published mean and standard deviation for some leads; got lead II; expected I, II.*--normalize measured/,
    );
    const measured = await prepare('challenge20', source, { leads: ['lead II'], normalize: 'measured' });
    expect(measured.contract.leads).toEqual(['lead II']);
  });
});

describe('a division that cannot be made', () => {
  it('names the class, the record and a size that works', async () => {
    const source = at('few');
    writeChallenge17(source, { A1: 'N', A2: 'N', A3: 'A', A4: 'N', A5: 'N' });
    await expect(prepare('challenge17', source, { testSize: 0.2 })).rejects.toThrow(
      /class A: --test-size 0.2 needs 2 records of each class, one for each part; got 1 record: A3\. .*--test-size 0/,
    );
    writeChallenge17(source, { A1: 'N', A2: 'N', A3: 'A', A4: 'A', A5: 'N' });
    let message = '';
    await prepare('challenge17', source, { testSize: 0.2 }).catch((error: Error) => {
      message = error.message;
    });
    expect(message).toMatch(
      /too few records for 2 classes; got 4 and 1 of 5 records; expected at least 2 in both parts/,
    );
    const size = Number(/Try --test-size (\d+)/.exec(message)![1]);
    expect((await prepare('challenge17', source, { testSize: size })).contract.files).toMatchObject({
      test: { records: 2 },
    });
    await expect(prepare('challenge17', source, { testSize: 4 })).rejects.toThrow(
      /got 1 and 4 of 5 records.*Try --test-size 3/,
    );
    await expect(prepare('challenge17', source, { testSize: 5 })).rejects.toThrow(
      /--test-size 5 does not divide 5 records; expected .* or a whole number of 1 to 4\. .*--test-size 0/,
    );
  });

  it('refuses to divide one patient', async () => {
    writePtbXl(
      at('one'),
      [1, 2, 3].map((id) => ({ id, patient: 1, fold: 1, codes: "{'SR': 0.0}" })),
    );
    await expect(prepare('ptb-xl', at('one'), { testSize: 0.2, splitBy: 'patient' })).rejects.toThrow(
      /--test-size 0.2 does not divide 1 patients; expected at least 2 patients\. .*--test-size 0/,
    );
  });
});

describe('flat leads', () => {
  it('published collections: keeps a flat lead with a warning, as the original does; refuses a flat recording', async () => {
    const source = at('flat');
    writeChallenge20(source, { E1: '1', E2: '2' });
    const file = join(source, 'E1.mat');
    const bytes = readFileSync(file);
    for (let i = 24; i < bytes.length; i += 24) bytes.writeInt16LE(7, i);
    writeFileSync(file, bytes);
    expect((await prepare('challenge20', source)).said).toContain(`${source}/E1.hea: a lead does not vary (I)`);
    await expect(prepare('challenge20', source, { leads: ['I'] })).rejects.toThrow(
      /E1\.hea, lead I: the recording is flat/,
    );
    const { set } = await prepare('challenge20', source, { leads: ['I'], keepFlat: true });
    expect(set.recordIds).toEqual(['E1', 'E2']);
  });
});

it('every collection format has mean and standard deviation for one lead, for twelve, or none', () => {
  for (const { normalization } of Object.values(collectionKinds))
    if (normalization && typeof normalization.mean !== 'number') expect(normalization.mean).toHaveLength(12);
});
