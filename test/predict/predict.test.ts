import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { run as inspect } from '../../src/commands/inspect.ts';
import { run } from '../../src/commands/predict.ts';
import type { ProgressEvent } from '../../src/events.ts';
import { readNpz } from '../../src/lib/numpy/npz.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { wrsamp } from '../../src/lib/wfdb/write.ts';
import { finetune } from '../../src/port/finetuning/trainer.ts';
import { readPredictions } from '../../src/port/transplant/utils.ts';
import { decidedClasses, Predictor, predictionFrame } from '../../src/predict/predict.ts';
import { prepareData } from '../../src/prepare/prepare_data.ts';
import { temporaryFolder } from '../port/training_data.ts';

// The backbone is cut to its first stage, as in the tests of the trainer.
vi.mock('../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const samples = 500;

/** ADC counts of two leads: noise around a rhythm that tells the class. */
function digital(record: number): Record<'I' | 'V1', Int16Array> {
  const random = new RandomState(record + 1);
  const lead = (size: number): Int16Array =>
    Int16Array.from({ length: samples }, (_, i) =>
      Math.round(size * Math.sin((i / (10 + 20 * (record % 2))) * Math.PI) + 40 * random.randomSample()),
    );
  return { I: lead(400), V1: lead(900) };
}

interface RecordForm {
  readonly name: string;
  readonly order?: readonly ('I' | 'V1')[];
  readonly units?: string;
  readonly gain?: number;
  readonly missing?: boolean;
}

function writeRecord(dir: string, record: number, form: RecordForm): string {
  const { name, order = ['I', 'V1'], units = 'mV', gain = 1000, missing = false } = form;
  const counts = digital(record);
  // -32768 is WFDB's missing sample.
  if (missing) counts.I[7] = -32768;
  mkdirSync(dir, { recursive: true });
  wrsamp(dir, {
    recordName: name,
    fs: 250,
    signals: order.map((lead) => ({ name: lead, samples: counts[lead], gain, units })),
    format: '16',
  });
  return join(dir, name);
}

let predictor: Predictor;

beforeAll(async () => {
  const source = at('records');
  const lines = Array.from({ length: 12 }, (_, i) => {
    writeRecord(source, i, { name: `r${i}` });
    return `r${i},${i % 2 ? 'slow' : 'fast'}`;
  });
  writeFileSync(join(source, 'labels.csv'), `record,labels\n${lines.join('\n')}\n`);
  const common = {
    format: 'wfdb-csv',
    source,
    target: at('data'),
    seed: 1,
    threads: 1,
    resampler: 'javascript',
  } as const;
  await prepareData({ ...common, fs: 125, pad: 300, testSize: 0.25 });
  await finetune({
    jobDir: at('job'),
    train: at('data', 'recordings_train.pkl'),
    epochs: 2,
    batchSize: 4,
    seed: 1,
    initSeed: 1,
  });
  predictor = Predictor.open(at('job'));
});

afterAll(() => predictor?.dispose());

/** Largest difference of two rows of probabilities. */
function distance(a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(Number(value) - Number(b[i]))));
}

describe('Predictor', () => {
  test('gives a prepared file the predictions that the job wrote', async () => {
    const prediction = await predictor.predictFile(at('data', 'recordings_train.pkl'), 4);
    const written = readPredictions(at('job', 'train_predictions.csv'));
    expect(distance(prediction.probabilities.data as Float32Array, written.yProb!.data as Float64Array)).toBeLessThan(
      1e-6,
    );
    expect([...predictionFrame(prediction).columns.keys()]).toEqual([
      'record_name',
      'true_fast',
      'true_slow',
      'prob_fast',
      'prob_slow',
      'pred_fast',
      'pred_slow',
    ]);
  });

  test('prepares recordings like the training data: predictions equal those of the prepared file', async () => {
    const prepared = await predictor.predictFile(at('data', 'recordings_test.pkl'), 4);
    const paths = prepared.recordIds.map((id) => at('records', String(id)));
    const own = await predictor.predictRecords(paths);
    expect(distance(own.probabilities.data as Float32Array, prepared.probabilities.data as Float32Array)).toBeLessThan(
      1e-6,
    );
    expect(own.decisions).toEqual(prepared.decisions);
  });

  test('one record; leads in another order, other units, another rate', async () => {
    const path = at('records', 'r3');
    const { probabilities } = await predictor.predictRecords([path]);
    expect(probabilities.shape).toEqual([1, 2]);
    const same: RecordForm[] = [
      { name: 'shuffled', order: ['V1', 'I'] },
      { name: 'microvolts', units: 'uV', gain: 1 },
      { name: 'volts', units: 'V', gain: 1e6 },
    ];
    for (const form of same) {
      const prediction = await predictor.predictRecords([writeRecord(at('forms'), 3, form)]);
      expect(
        distance(prediction.probabilities.data as Float32Array, probabilities.data as Float32Array),
        form.name,
      ).toBeLessThan(1e-5);
    }
  });

  test('another rate: the same waves give nearly the same probabilities', async () => {
    const waves = (fs: number): string => {
      const lead = (size: number): Int16Array =>
        Int16Array.from({ length: 2 * fs }, (_, i) => Math.round(size * Math.sin((2 * Math.PI * 3 * i) / fs)));
      const signals = [
        { name: 'I', samples: lead(400), gain: 1000 },
        { name: 'V1', samples: lead(900), gain: 1000 },
      ];
      mkdirSync(at('rates'), { recursive: true });
      wrsamp(at('rates'), { recordName: `waves${fs}`, fs, signals });
      return at('rates', `waves${fs}`);
    };
    const { probabilities } = await predictor.predictRecords([waves(250), waves(500), waves(360)]);
    const [first, second, third] = [0, 1, 2].map((i) =>
      (probabilities.data as Float32Array).subarray(2 * i, 2 * i + 2),
    );
    expect(distance(first, second)).toBeLessThan(0.01);
    expect(distance(first, third)).toBeLessThan(0.01);
  });

  test('refuses data that do not fit the network', async () => {
    const refused: [RecordForm, string][] = [
      [{ name: 'one-lead', order: ['I'] }, 'leads are missing; got I; expected V1'],
      [{ name: 'pressure', units: 'mmHg' }, 'the unit cannot be converted; got mmHg; expected mV'],
      [{ name: 'gap', missing: true }, 'a sample is missing or not finite'],
    ];
    for (const [form, message] of refused) {
      const path = writeRecord(at('refused'), 1, form);
      await expect(predictor.predictRecords([path]), form.name).rejects.toThrow(message);
      await expect(predictor.predictRecords([path]), form.name).rejects.toThrow(path);
    }
    const path = at('records', 'r1');
    await expect(predictor.predictRecords([path], { leads: ['I'] })).rejects.toThrow('in place of I, V1');
    await expect(predictor.predictRecords([at('records', 'none')])).rejects.toThrow('No such file');
    expect(() => Predictor.open(at('data'))).toThrow('Name the --job-dir of a finetuning job.');
  });

  test('other leads can be named in place of the network’s', async () => {
    const swapped = await predictor.predictRecords([at('records', 'r2')], { leads: ['V1', 'I'] });
    const straight = await predictor.predictRecords([at('records', 'r2')]);
    expect(
      distance(swapped.probabilities.data as Float32Array, straight.probabilities.data as Float32Array),
    ).toBeGreaterThan(1e-4);
  });
});

describe('ecg-transplant predict', () => {
  test('writes CSV, JSON and a picture, and says that it is not for diagnosis', async () => {
    const said: string[] = [];
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    try {
      const out = ['--csv', at('out.csv'), '--json', at('out.json'), '--picture', at('strips')];
      expect(await run(['--job-dir', at('job'), ...out, at('records', 'r1.hea')])).toBe(0);
    } finally {
      stderr.mockRestore();
    }
    expect(said.join('')).toContain('For research, not for diagnosis.');
    const own = await predictor.predictRecords([at('records', 'r1')]);
    const csv = readFileSync(at('out.csv'), 'utf8').split('\n');
    expect(csv[0]).toBe('record_name,prob_fast,prob_slow,pred_fast,pred_slow');
    const json = JSON.parse(readFileSync(at('out.json'), 'utf8'));
    expect(json.notice).toBe('For research, not for diagnosis.');
    expect(json.records[0].decision).toEqual(decidedClasses(own)[0]);
    const svg = readFileSync(at('strips', 'r1.svg'), 'utf8');
    expect(svg).toContain('For research, not for diagnosis.');
    for (const lead of ['I', 'V1']) expect(svg).toContain(`>${lead}</text>`);
  });

  /** Runs the command; resolves to its code and what it wrote. */
  async function command(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const [out, err]: [string[], string[]] = [[], []];
    const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0);
    try {
      const code = await run(['--job-dir', at('job'), ...args]);
      return { code, out: out.join(''), err: err.join('') };
    } finally {
      stdout.mockRestore();
      stderr.mockRestore();
    }
  }

  test('one bad recording is reported at the end, the others are predicted, and the exit code is 1', async () => {
    writeFileSync(at('records', 'bad.csv'), 'I,V1\n1,x\n');
    writeFileSync(at('records', 'y.gdf'), 'GDF 2.20');
    const { code, out, err } = await command(
      ...['--record-fs', '250', '--json', at('some.json'), '--csv', at('some.csv')],
      ...[
        at('records', 'r1'),
        at('records', 'bad.csv'),
        at('records', 'none'),
        at('records', 'y.gdf'),
        at('records', 'r2'),
      ],
    );
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(
      /3 of 5 recordings could not be predicted:\n {2}\S+bad\.csv.*\n {2}.*none.*\n {2}\S+y\.gdf.*GDF/,
    );
    const json = JSON.parse(readFileSync(at('some.json'), 'utf8'));
    expect(json.records.map(({ record }: { record: string }) => record)).toEqual(
      ['r1', 'r2'].map((name) => at('records', name)),
    );
    expect(json.failed).toHaveLength(3);
    const alone = await predictor.predictRecords([at('records', 'r2')]);
    expect(json.records[1].probabilities.fast).toBeCloseTo(Number(alone.probabilities.data[0]), 6);
    expect(readFileSync(at('some.csv'), 'utf8').trim().split('\n')).toHaveLength(3);
    // A single recording is the error itself.
    await expect(run(['--job-dir', at('job'), at('records', 'y.gdf')])).rejects.toThrow('a GDF recording');
    for (const name of ['bad.csv', 'y.gdf']) rmSync(at('records', name));
  });

  test('predicts a folder like its recordings one by one, in more than one batch', async () => {
    const many = at('many');
    const names = Array.from({ length: 20 }, (_, i) => writeRecord(many, i, { name: `m${i}` }));
    const { code, out, err } = await command(many);
    expect(code).toBe(0);
    expect(err).toContain('predicting (20 recordings)');
    const rows = out.trim().split('\n').slice(1);
    expect(rows.map((row) => row.split(',')[0])).toEqual(names);
    for (const i of [0, 15, 16, 19]) {
      const alone = await predictor.predictRecords([names[i]]);
      expect(Number(rows[i].split(',')[1])).toBeCloseTo(Number(alone.probabilities.data[0]), 6);
    }
  });

  test('draws a picture for each of two recordings with the same name, and replaces nothing without --force', async () => {
    const records = ['a', 'b'].map((person, i) => writeRecord(at('people', person), i, { name: 'rec_1' }));
    const out = ['--picture', at('pictures'), '--csv', at('people.csv')];
    expect((await command(...out, ...records)).code).toBe(0);
    const pictures = ['a', 'b'].map((person) => readFileSync(at('pictures', person, 'rec_1.svg'), 'utf8'));
    expect(pictures[0]).not.toBe(pictures[1]);
    await expect(command(...out, ...records)).rejects.toThrow(
      'people.csv: the file exists already. Add --force to replace it',
    );
    await expect(command('--picture', at('pictures'), ...records)).rejects.toThrow(
      'rec_1.svg: the file exists already',
    );
    expect((await command(...out, '--force', ...records)).code).toBe(0);
    const table = at('people', 'a', 'table.csv');
    writeFileSync(table, 'I,V1\n1,2\n');
    const over = command('--csv', table, '--force', '--record-fs', '250', table);
    await expect(over).rejects.toThrow('the result would replace its own input');
    await expect(command('--csv', at('x'), '--json', at('x'), ...records)).rejects.toThrow('name the same file');
  });

  test('explains recordings in files that NumPy reads, and under the leads of the pictures', async () => {
    const records = ['a', 'b'].map((person, i) => writeRecord(at('explained', person), i, { name: 'rec_1' }));
    const out = ['--explain', at('why'), '--picture', at('why'), '--csv', at('why.csv')];
    const { code, err } = await command(...out, '--explain-steps', '40', ...records);
    expect(code).toBe(0);
    expect(err).toMatch(/explaining \(80 steps\)\n[\s\S]*explaining: done, .* sums of attributions within 0\.0\d+/);
    const { probabilities, classes } = await predictor.predictRecords(records);
    for (const [row, person] of ['a', 'b'].entries()) {
      const arrays = readNpz(at('why', person, 'rec_1.npz'));
      const number = (name: string): number => Number(arrays.get(name)!.data[0]);
      const both = [0, 1].map((k) => Number(probabilities.data[2 * row + k]));
      expect(arrays.get('class')).toMatchObject({ shape: [], data: [classes[both.indexOf(Math.max(...both))]] });
      expect(arrays.get('leads')!.data).toEqual(['I', 'V1']);
      for (const name of ['attributions', 'gradient', 'signal']) expect(arrays.get(name)!.shape).toEqual([300, 2]);
      expect(number('probability')).toBeCloseTo(Math.max(...both), 5);
      const sum = (arrays.get('attributions')!.data as Float64Array).reduce((total, value) => total + value, 0);
      expect(Math.abs(sum - (number('probability') - number('baseline_probability')))).toBeLessThan(0.01);
      // 500 samples at 250 Hz are 250 at 125 Hz.
      expect([number('sampling_rate'), number('padding'), number('steps')]).toEqual([125, 50, 40]);
      const padding = (arrays.get('signal')!.data as Float32Array).subarray(0, 100);
      expect(padding.every((value) => value === 0)).toBe(true);
      const svg = readFileSync(at('why', person, 'rec_1.svg'), 'utf8');
      expect(svg.match(/<path class="up"/g)).toHaveLength(2);
      expect(svg.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')).toContain('(integrated gradients, 40 steps)');
    }
    await expect(command('--explain', at('why'), ...records)).rejects.toThrow('rec_1.npz: the file exists already');
  });

  test('explains a named class: the attributions of two classes of softmax are opposite', async () => {
    const [fast, slow] = await Promise.all(
      ['fast', 'slow'].map(async (name) => {
        await command('--explain', at(`class-${name}`), '--explain-class', name, at('records', 'r4'));
        return readNpz(at(`class-${name}`, 'r4.npz')).get('attributions')!.data as Float64Array;
      }),
    );
    expect(Math.max(...fast.map(Math.abs))).toBeGreaterThan(1e-4);
    expect(
      distance(
        fast,
        slow.map((value) => -value),
      ),
    ).toBeLessThan(1e-6);
    await expect(command('--explain', at('nothing'), '--explain-class', 'slw', at('records', 'r4'))).rejects.toThrow(
      '--explain-class: the network has no such class; got slw; expected fast, slow. Did you mean slow?',
    );
    expect(existsSync(at('nothing'))).toBe(false);
  });

  test('says so if the steps are too few for the attributions to add up', async () => {
    const said: string[] = [];
    const report = (event: ProgressEvent): void => void (event.kind === 'warning' && said.push(event.text));
    const explaining = Predictor.open(at('job'), { explains: true });
    try {
      const request = { path: at('records', 'r3'), className: 'slow' };
      for await (const { sum, probability, baselineProbability } of explaining.explainRecords([request], {
        steps: 1,
        report,
      })) {
        const isFar = Math.abs(sum - (probability - baselineProbability)) > 0.01;
        expect(said.length).toBe(Number(isFar));
        if (isFar) expect(said[0]).toMatch(/r3: the attributions add up to .* 1 steps are too few, take 4$/);
      }
      await expect(explaining.explainRecords([{ ...request, className: 'none' }]).next()).rejects.toThrow(
        'no class none',
      );
    } finally {
      explaining.dispose();
    }
  });

  test('escapes formulas and control characters in names', async () => {
    mkdirSync(at('odd'), { recursive: true });
    const table = 'I,V1\n1,2\n2,1\n0,1\n1,0\n';
    for (const name of ['=cmd|x', '-1+1', '\u001b[31mred\u202e']) writeFileSync(at('odd', `${name}.csv`), table);
    const { out } = await command('--record-fs', '250', '--picture', at('odd-pictures'), at('odd'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
    expect(out).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/);
    expect(out).toContain('\\u001b[31mred\\u202e');
    const picture = readFileSync(at('odd-pictures', '\u001b[31mred\u202e.svg'), 'utf8');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
    expect(picture).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/);
  });

  test('inspect describes the job, its prepared sets and recordings', async () => {
    const said: string[] = [];
    const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    const shown = async (...args: string[]): Promise<string> => {
      said.length = 0;
      expect(await inspect(args)).toBe(0);
      return said.join('');
    };
    try {
      const job = await shown(at('job'));
      expect(job).toMatch(/job \(finetune job, complete\)\nSeeds: {6}1, initial weights 1\n/);
      expect(job).toContain('Classes:    fast, slow\nRecordings: 125 Hz, resampled, leads I, V1, in mV\n');
      const set = await shown(at('data', 'recordings_train.pkl'));
      expect(set).toContain('Signals:    float32 (9, 300, 2): 300 samples, 2 leads\n');
      expect(set).toMatch(/Classes: {4}fast \d, slow \d\nRecordings: 125 Hz/);
      const json = JSON.parse(await shown('--json', at('data', 'recordings_train.pkl')));
      expect(json).toMatchObject({
        kind: 'prepared set',
        records: 9,
        dtype: 'float32',
        preprocessing: { samplingRate: 125 },
      });
      expect(json.classes.reduce((sum: number, { records }: { records: number }) => sum + records, 0)).toBe(9);
      for (const name of ['r1', 'r1.hea', 'r1.dat']) {
        expect(await shown(at('records', name))).toContain(
          'Rate:       250 Hz, 2.0 s\nSamples:    500, 2 leads\nUnit:       mV\n',
        );
      }
      await expect(inspect([at('records')])).rejects.toThrow('this folder is not a job folder');
    } finally {
      stdout.mockRestore();
    }
  });

  test('needs either a file or recordings', async () => {
    await expect(run(['--job-dir', at('job')])).rejects.toThrow(
      'nothing to predict; expected either --data FILE or recordings',
    );
    await expect(run(['--job-dir', at('job'), '--data', 'x.pkl', 'r1'])).rejects.toThrow('either --data FILE');
    await expect(run(['r1'])).rejects.toThrow('the following arguments are required: --job-dir');
  });
});
