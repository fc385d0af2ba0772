import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { writeNpy } from '../../src/lib/numpy/npy.ts';
import { wrsamp } from '../../src/lib/wfdb/write.ts';
import { type Note, type ReadOptions, type RecordingFormat, readRecording } from '../../src/recordings/recordings.ts';
import { checkSignal } from '../../src/recordings/usable_signal.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { runPython } from '../python.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

interface Read extends ReadOptions {
  readonly fs?: number;
  readonly recordUnits?: string;
  readonly recordLeads?: readonly string[];
}

function read(name: string, { fs, recordUnits, recordLeads, ...options }: Read = {}) {
  const notes: Note[] = [];
  const format: RecordingFormat = { kind: 'any', fs, units: recordUnits, leads: recordLeads };
  const recording = readRecording(at(name), format, { ...options, note: (note) => notes.push(note) });
  return { ...recording, notes: notes.map(({ text }) => text) };
}

/** A CSV recording of 40 samples whose columns are functions of the sample's number. */
function csv(header: string, ...columns: readonly ((i: number) => number | string)[]): string {
  const rows = Array.from({ length: 40 }, (_, i) => columns.map((column) => column(i)).join(','));
  writeFileSync(at('x.csv'), `${header}\n${rows.join('\n')}\n`);
  return 'x';
}
const ecg = (i: number): number => Math.round(1000 * Math.sin(i / 3)) / 1000;

describe('columns that are clocks', () => {
  it.each<[string, string, (i: number) => number | string, number | undefined]>([
    ['seconds', 'time', (i) => i / 250, 250],
    ['seconds rounded to milliseconds', 'Time (s)', (i) => (i / 360).toFixed(3), undefined],
    ['milliseconds by name', 'time_ms', (i) => 100 + 4 * i, 250],
    ['milliseconds by what is likely', 'timestamp', (i) => 2 * i, 500],
    ['microseconds', 'Time [\u00b5s]', (i) => 1e6 + 2000 * i, 500],
    ['milliseconds of one step', 'ms', (i) => i, 1000],
    ['ISO 8601', 'timestamp', (i) => new Date(1.6e12 + 4 * i).toISOString(), 250],
    [
      'date and time, over midnight',
      'Datum',
      (i) => new Date(Date.UTC(2020, 11, 31, 23, 59, 59, 980) + 2 * i).toISOString().replace('T', ' ').slice(0, -1),
      500,
    ],
    ['time of day', 'clock', (i) => `12:33:59.${String(10 * i).padStart(3, '0')}`, 100],
    ['no name, a constant step', 'q', (i) => 0.008 * i, 125],
    ['a short name', 't', (i) => 0.002 * i, 500],
  ])('%s', (_, name, clock, rate) => {
    csv(`${name},II`, clock, ecg);
    if (rate === undefined) {
      expect(() => read('x')).toThrow(/x\.csv: the sampling rate of the recording is not known/);
      expect(read('x', { fs: 360 })).toMatchObject({ fs: 360, leads: ['II'] });
      return;
    }
    const { fs, leads, signal, notes } = read('x');
    expect({ fs, leads, shape: signal.shape }).toEqual({ fs: rate, leads: ['II'], shape: [40, 1] });
    expect(signal.data[7]).toBe(ecg(7));
    expect(notes).toEqual([`${at('x.csv')}: column ${JSON.stringify(name)} is the time axis (${rate} Hz), not a lead`]);
    expect(read('x', { fs: rate }).fs).toBe(rate);
    expect(() => read('x', { fs: 2 * rate })).toThrow(
      new RegExp(
        `the time axis does not fit the sampling rate; got ${rate} Hz; expected ${2 * rate} Hz, as --record-fs says`,
      ),
    );
  });

  it('finds the exact rate of long recordings with rounded times', () => {
    const rows = Array.from({ length: 4000 }, (_, i) => `${(i / 360).toFixed(3)},${ecg(i)}`);
    writeFileSync(at('long.csv'), `time,II\n${rows.join('\n')}\n`);
    expect(read('long').fs).toBe(360);
  });

  it.each(['sample', "'sample #'", 'index', 'Unnamed: 0', '', 'row', 'Sample Number', 'time'])(
    '%j counts samples and tells no rate',
    (name) => {
      csv(
        `${name},MLII,V5`,
        (i) => i,
        ecg,
        (i) => -ecg(i),
      );
      expect(() => read('x')).toThrow(/the sampling rate of the recording is not known.*--record-fs/);
      expect(read('x', { fs: 360 })).toMatchObject({ fs: 360, leads: ['MLII', 'V5'] });
    },
  );

  it('refuses a clock that has a gap or does not rise, and names the sample', () => {
    csv('time,II', (i) => (i < 20 ? i : i + 1) / 250, ecg);
    expect(() => read('x')).toThrow(
      /x\.csv, sample 20: the column "time" does not rise steadily.*got 0\.076, then 0\.084/,
    );
    csv('time,II', (i) => (i === 5 ? '' : i / 250), ecg);
    expect(() => read('x')).toThrow(/sample 5: the column "time" does not rise steadily.*NaN/);
    csv('index,II', () => 3, ecg);
    expect(() => read('x', { fs: 250 })).toThrow(/sample 1: the column "index"/);
  });

  it('a column that is asked for by name is a lead, and so is one named S or T that does not rise', () => {
    csv('time,II', (i) => i / 250, ecg);
    expect(read('x', { fs: 250, leads: ['time'] })).toMatchObject({ leads: ['time'], signal: { shape: [40, 1] } });
    csv('S,T', ecg, (i) => -ecg(i));
    expect(read('x', { fs: 250 }).leads).toEqual(['S', 'T']);
  });

  it('two clocks must agree; a table of clocks alone is not a recording', () => {
    csv(
      'sample,seconds,II',
      (i) => i,
      (i) => i / 250,
      ecg,
    );
    expect(read('x')).toMatchObject({ fs: 250, leads: ['II'] });
    csv(
      'ms,seconds,II',
      (i) => 2 * i,
      (i) => i / 250,
      ecg,
    );
    expect(() => read('x')).toThrow(/does not fit the sampling rate; got 250 Hz; expected 500 Hz/);
    csv(
      'time,index',
      (i) => i / 250,
      (i) => i,
    );
    expect(() => read('x')).toThrow(/no leads, only time/);
  });

  it('a clock in an array', () => {
    const data = Float64Array.from({ length: 80 }, (_, i) => (i % 2 ? ecg(i >> 1) : (i >> 1) / 500));
    writeNpy(at('clock.npy'), ndarray('float64', [40, 2], data));
    for (const recordLeads of [['time', 'II'], ['II']])
      expect(read('clock', { recordLeads })).toMatchObject({ fs: 500, leads: ['II'] });
  });
});

describe('units of recordings', () => {
  it('units come from the first line, from the line below it, or from the options; each lead has its own', () => {
    csv('I (\u00b5V),II [mV],III', (i) => 1000 * ecg(i), ecg, ecg);
    const { signal, leads } = read('x', { fs: 250 });
    expect(leads).toEqual(['I', 'II', 'III']);
    for (const i of [2, 9]) for (const lead of [0, 1, 2]) expect(signal.data[3 * i + lead]).toBeCloseTo(ecg(i), 12);
    writeFileSync(at('x.csv'), `'Elapsed time','MLII'\n'hh:mm:ss.mmm','uV'\n'0:00.000',100\n'0:00.004',200\n`);
    expect(Array.from(read('x').signal.data)).toEqual([0.1, 0.2]);
    csv('II', (i) => ecg(i) / 1000);
    expect(read('x', { fs: 250, recordUnits: 'V' }).signal.data[5]).toBeCloseTo(ecg(5), 12);
    csv('II (uV)', ecg);
    expect(() => read('x', { fs: 250, recordUnits: 'mV' })).toThrow(
      /lead II: the file states a different unit; got uV; expected mV, as --record-units says/,
    );
    expect(read('x', { fs: 250, recordUnits: '\u03bcV' }).leads).toEqual(['II']);
  });

  it('WFDB: units with a micro sign are not volts; leads that are not used may have any unit, gap or format', () => {
    const samples = Int16Array.from({ length: 40 }, (_, i) => 1000 * ecg(i));
    const pressure = Int16Array.from({ length: 40 }, () => -32768);
    for (const [name, units] of [
      ['uv', 'uV'],
      ['mu', '\u00b5V'],
      ['greek', '\u03bcV'],
    ])
      wrsamp(folder, { recordName: name, fs: 250, signals: [{ name: 'ECG', gain: 1, units, samples }] });
    for (const name of ['mu', 'greek']) expect(read(name).signal).toEqual(read('uv').signal);
    expect(read('mu').signal.data[4]).toBeCloseTo(ecg(4), 3);
    const signals = [
      { name: 'ECG', gain: 1000, samples },
      { name: 'ABP', gain: 1, units: 'mmHg', samples: pressure },
    ];
    wrsamp(folder, { recordName: 'slp', fs: 250, signals });
    expect(read('slp', { leads: ['ecg'] }).signal.shape).toEqual([40, 1]);
    expect(() => read('slp')).toThrow(
      /slp\.hea, lead ABP: the unit cannot be converted; got mmHg; expected mV, .*\. Leave the lead out: --leads ECG/,
    );
  });

  it('warns of a gain that is 0 or missing', () => {
    writeFileSync(at('nogain.hea'), 'nogain 2 250 40\nslp.dat 16 0/mV 16 0 0 0 0 I\nslp.dat 16 200/mV 16 0 0 0 0 II\n');
    expect(read('nogain', { leads: ['I'] }).notes).toEqual([
      expect.stringMatching(/no gain of I; 200 steps per mV are assumed/),
    ]);
    expect(read('nogain', { leads: ['II'] }).notes).toEqual([]);
  });
});

describe('leads of recordings', () => {
  it('an error for missing leads suggests others', () => {
    csv('MLII,V5', ecg, (i) => -ecg(i));
    expect(() => read('x', { fs: 250, leads: ['ECG'] })).toThrow(
      /leads are missing; got MLII, V5; expected ECG\. .*: --leads MLII$/,
    );
    expect(() => read('x', { fs: 250, leads: ['V5', 'II'] })).toThrow(/--leads V5,MLII$/);
    expect(() => read('x', { fs: 250, leads: ['I', 'II', 'III'] })).toThrow(/too few leads for 3/);
    csv('ECG lead 1,V5', ecg, ecg);
    expect(() => read('x', { fs: 250, leads: ['I'] })).toThrow(/--leads 'ECG lead 1'$/);
  });

  it('refuses two leads of one name if that name is asked for', () => {
    csv('ECG,ecg,V1', ecg, (i) => -ecg(i), ecg);
    expect(() => read('x', { fs: 250, leads: ['ECG'] })).toThrow(/two leads have the same name; got ECG, ecg, V1/);
    expect(read('x', { fs: 250, leads: ['V1'] }).leads).toEqual(['V1']);
  });

  it('a lead must hold numbers; other columns may hold anything', () => {
    csv('I,note', ecg, (i) => (i % 2 ? 'N' : 'V'));
    expect(read('x', { fs: 250, leads: ['I'] }).signal.shape).toEqual([40, 1]);
    expect(() => read('x', { fs: 250 })).toThrow(/line 2, lead note: a sample is not a number; got "V"\. .*--leads/);
  });

  it('names of leads come from the table, or from the options', () => {
    writeFileSync(at('x.csv'), '0.5,1.5\n0.25,2.5\n');
    expect(() => read('x', { fs: 250 })).toThrow(/the leads have no names; got 2 columns.*--record-leads/);
    expect(read('x', { fs: 250, recordLeads: ['I', 'II'] })).toMatchObject({ leads: ['I', 'II'] });
    const signal = Float64Array.from({ length: 40 }, (_, i) => ecg(i));
    writeNpy(at('flat.npy'), ndarray('float64', [40], signal));
    expect(read('flat', { fs: 250, recordLeads: ['ECG'] }).signal).toEqual(ndarray('float64', [40, 1], signal));
    writeNpy(at('three.npy'), ndarray('float64', [2, 5, 4], signal));
    expect(() => read('three', { fs: 250, recordLeads: ['ECG'] })).toThrow(
      /got float64 \(2, 5, 4\); expected numbers \(samples, leads\)/,
    );
  });

  it('an array (leads, samples) is recognised, and the suggested command transposes it', () => {
    const signal: NdArray = ndarray(
      'float64',
      [2, 20],
      Float64Array.from({ length: 40 }, (_, i) => ecg(i)),
    );
    writeNpy(at("it's row.npy"), signal);
    let message = '';
    try {
      read("it's row", { fs: 250, recordLeads: ['I', 'II'] });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/got float64 \(2, 20\): \(leads, samples\); expected \(samples, leads\)/);
    execFileSync('bash', ['-c', /Transpose it: (.*)$/.exec(message)![1]]);
    expect(read("it's row", { fs: 250, recordLeads: ['I', 'II'] }).signal.data.slice(0, 4)).toEqual(
      Float64Array.of(ecg(0), ecg(20), ecg(1), ecg(21)),
    );
  });
});

describe('MATLAB files without a header', () => {
  it.each(['4', '5'])('version %s: the command of the message makes an array of their matrix', async (version) => {
    const program =
      "import sys, numpy, scipy.io; scipy.io.savemat(sys.argv[1], {'val': numpy.sin(numpy.arange(40) / 3)[None]}, format=sys.argv[2])";
    await runPython(['-c', program, at(`lone${version}.mat`), version]);
    let message = '';
    try {
      read(`lone${version}.mat`);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/not a recording of CPSC 2018, and has no WFDB header beside it.*lone\d\.hea/);
    execFileSync('bash', ['-c', /as array: (.*)$/.exec(message)![1]]);
    const { signal } = read(`lone${version}.npy`, { fs: 250, recordLeads: ['I'] });
    expect([signal.shape, signal.data[7]]).toEqual([[40, 1], Math.sin(7 / 3)]);
  });
});

describe('a usable recording', () => {
  const check = (
    values: readonly number[],
    leads: readonly string[],
    tolerated: Partial<Parameters<typeof checkSignal>[2]> = {},
  ): string[] => {
    const notes: Note[] = [];
    const signal = ndarray('float64', [values.length / leads.length, leads.length], Float64Array.from(values));
    const options = { file: 'r', units: 'mV', keepMissing: false, keepFlat: 'no' as const, ...tolerated };
    checkSignal(signal, leads, { ...options, note: ({ text }) => notes.push({ text } as Note) });
    return notes.map(({ text }) => text);
  };

  it('has samples', () => {
    expect(() => check([], ['I'])).toThrow(/r: the recording has no samples/);
    writeFileSync(at('empty.csv'), 'ECG\n');
    expect(() => read('empty', { fs: 250 })).toThrow(/empty\.csv: the recording has no samples/);
    writeNpy(at('empty2.npy'), ndarray('float64', [0, 1], new Float64Array(0)));
    expect(() => read('empty2', { fs: 250, recordLeads: ['ECG'] })).toThrow(/no samples; got float64 \(0, 1\)/);
  });

  it('has leads that vary', () => {
    expect(() => check([0, 0, 0, 0], ['I'])).toThrow(
      /r, lead I: the recording is flat: no lead varies; got 4 samples of 0 mV/,
    );
    expect(() => check([0.5], ['I'])).toThrow(/got one sample of 0\.5 mV/);
    const oneFlat = [0.1, 3, 0.2, 3];
    expect(() => check(oneFlat, ['I', 'II'])).toThrow(/r, lead II: a lead does not vary; got 2 samples of 3 mV/);
    expect(check(oneFlat, ['I', 'II'], { keepFlat: 'leads' })).toEqual(['r: a lead does not vary (II)']);
    expect(() => check([3, 3], ['I'], { keepFlat: 'leads' })).toThrow(/the recording is flat/);
    expect(check([3, 3], ['I'], { keepFlat: 'yes' })).toEqual([]);
  });

  it('has no missing samples, unless they are accepted', () => {
    expect(() => check([1, Number.NaN, 2, 3], ['I', 'II'])).toThrow(/r, sample 0 of lead II: a sample is missing/);
    expect(check([1, Number.NaN, 2, 3, 1, 4], ['I', 'II'], { keepMissing: true })).toEqual([]);
  });

  it('warns of an amplitude that no ECG has, with lead and value', () => {
    const wave = Array.from({ length: 50 }, (_, i) => ecg(i));
    expect(check(wave, ['I'])).toEqual([]);
    expect(
      check(
        wave.map((value) => 1000 + 100 * value),
        ['MLII'],
      )[0],
    ).toMatch(/^r: lead MLII has a median absolute value of 1\d{3} mV; is its unit right\?$/);
    expect(
      check(
        wave.map((value) => value / 1e6),
        ['I'],
      )[0],
    ).toMatch(/of 6\.88e-7 mV/);
    expect(
      check(
        wave.map((value) => value * 1000),
        ['I'],
        { units: 'uV' },
      ),
    ).toEqual([]);
  });
});
