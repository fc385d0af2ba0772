import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readJobModel } from '../../src/jobs/job_model.ts';
import { PathRemover } from '../../src/pack/anonymous.ts';
import { type PackOptions, pack } from '../../src/pack/pack.ts';
import { unpack } from '../../src/pack/unpack.ts';
import { preprocessing } from '../port/sound_files.ts';

const folder = mkdtempSync(join(tmpdir(), 'pack-'));
const weights = randomBytes(200_000);
let job: string;
let archive: string;
let target: string;
let count = 0;

const model = {
  format: 1,
  arch: 'resnet18',
  precision: 'float32',
  samples: 2048,
  leads: 1,
  classes: ['A', 'N'],
  multiLabel: false,
};

/** A finished finetuning job, with what else lies in such a folder. */
function writeJob(): void {
  const files: Record<string, string | Buffer> = {
    'config.json': JSON.stringify({
      format: 1,
      job: 'finetune',
      options: {
        train: `${homedir()}/my data/physionet_train.pkl`,
        jobDir: job,
        weightsFile: `${job}/start.weights.h5`,
      },
      inputs: { '/scratch/anna/physionet_train.pkl': 17 },
      environment: { libraries: { '/opt/venv/lib/libtensorflow_cc.so.2': 5 } },
    }),
    'model.json': JSON.stringify(model),
    'preprocessing.json': JSON.stringify({ ...preprocessing, leads: ['ECG'], normalization: null, padding: null }),
    'complete.json': '{"epochs":1}\n',
    'history.csv': 'epoch,loss\r\n0,0.5\r\n',
    'test_predictions.csv': 'record_name,true_A,prob_A\nA00001,True,0.75\nA00002,False,0.25\n',
    'best_model.weights.h5': weights,
    'events.jsonl': `${JSON.stringify({ time: 't', event: 'message', text: `writing ${job}/history.csv, from /mnt/x/y.pkl` })}\n`,
    'report.json': JSON.stringify({
      row: { worst: 'A00001, sample 5' },
      pictures: [{ kind: 'strip', samples: [1] }, { kind: 'roc' }],
    }),
    'report.md': `Worst: A00001 of ${job}/test_predictions.csv; see https://example.org/home/anna/x and and/or jobs/data/x\n`,
    'report.html': '<svg><path d="M0 0/1"/></svg></data></svg>',
    'checkpoint.npz': 'state',
    'job.lock': '{}',
    'tensorboard/events.out.tfevents.1.host': 'x',
    'strips/A00001.svg': '<svg/>',
    'records/A00001.mat': 'x',
    'nested/trial-1/history.csv': 'epoch,loss\r\n0,0.25\r\n',
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(job, path)), { recursive: true });
    writeFileSync(join(job, path), content);
  }
}

beforeEach(() => {
  const place = join(folder, String(count++));
  job = join(place, 'af');
  archive = join(place, 'af.tar.gz');
  target = join(place, 'restored');
  writeJob();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const packJob = (options: Partial<PackOptions> = {}) => pack({ job, output: archive, ...options });
const restored = (path: string): string => readFileSync(join(target, 'af', path), 'utf8');
const kept = [
  'SHA256SUMS',
  'best_model.weights.h5',
  'complete.json',
  'config.json',
  'events.jsonl',
  'history.csv',
  'model.json',
  'nested/trial-1/history.csv',
  'pack.json',
  'preprocessing.json',
  'report.html',
  'report.json',
  'report.md',
  'test_predictions.csv',
];

describe('pack and unpack', () => {
  it('restores settings, histories, predictions, weights and reports', async () => {
    const { files, leftOut } = await packJob();
    expect(files).toEqual(kept);
    expect(leftOut).toEqual(['checkpoint.npz', 'job.lock', 'records/', 'strips/', 'tensorboard/']);
    const unpacked = await unpack({ archive, target });
    expect(unpacked).toEqual({ folder: join(target, 'af'), files: kept.slice(1), records: true });
    expect(readdirSync(target)).toEqual(['af']);
    for (const path of ['history.csv', 'test_predictions.csv', 'nested/trial-1/history.csv', 'best_model.weights.h5']) {
      expect(readFileSync(join(target, 'af', path)).equals(readFileSync(join(job, path)))).toBe(true);
    }
    expect(readJobModel(join(target, 'af')).model).toEqual(model);
  });

  it('is an archive that tar and sha256sum read', async () => {
    await packJob();
    mkdirSync(target);
    execFileSync('tar', ['-xzf', archive, '-C', target]);
    const checked = execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: join(target, 'af'), encoding: 'utf8' });
    expect(checked.match(/: OK/g)?.length).toBe(kept.length - 1);
    const listed = execFileSync('tar', ['--numeric-owner', '--utc', '-tvzf', archive], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(listed.length).toBe(kept.length);
    for (const line of listed) expect(line).toMatch(/^-rw-r--r-- 0\/0 +\d+ 2000-01-01 00:00 af\//);
  });

  it('the same run gives the same bytes, wherever and whenever it ran', async () => {
    const digest = (): string => createHash('sha256').update(readFileSync(archive)).digest('hex');
    await packJob();
    const first = digest();
    job = join(folder, String(count++), 'af');
    writeJob();
    utimesSync(join(job, 'model.json'), 1, 1);
    await packJob({ force: true });
    expect(digest()).toBe(first);
    writeFileSync(join(job, 'history.csv'), 'epoch,loss\r\n0,0.75\r\n');
    await packJob({ force: true });
    expect(digest()).not.toBe(first);
  });

  it.each([true, false])('a restored run packs to the same bytes (records: %s)', async (records) => {
    await packJob({ records });
    const { folder: again } = await unpack({ archive, target });
    const second = join(target, 'again.tar.gz');
    await pack({ job: again, output: second });
    expect(readFileSync(second).equals(readFileSync(archive))).toBe(true);
  });

  it('holds no absolute path', async () => {
    await packJob();
    await unpack({ archive, target });
    const config = JSON.parse(restored('config.json'));
    expect(config.options).toEqual({ train: 'physionet_train.pkl', jobDir: '.', weightsFile: 'start.weights.h5' });
    expect(config.inputs).toEqual({ 'physionet_train.pkl': 17 });
    expect(config.environment.libraries).toEqual({ 'libtensorflow_cc.so.2': 5 });
    expect(JSON.parse(restored('preprocessing.json')).source.folder).toBe('cinc2017');
    expect(JSON.parse(restored('events.jsonl')).text).toBe('writing history.csv, from y.pkl');
    expect(restored('report.md')).toBe(
      'Worst: A00001 of test_predictions.csv; see https://example.org/home/anna/x and and/or jobs/data/x\n',
    );
    expect(restored('report.html')).toBe(readFileSync(join(job, 'report.html'), 'utf8'));
  });

  it.each(['history.csv', 'best_model.weights.h5'])('refuses one in %s, which is packed as it is', async (path) => {
    writeFileSync(join(job, path), `${randomBytes(5000).toString('hex')},${homedir()}/x/y\r\n`);
    await expect(packJob()).rejects.toThrow(
      /contains an absolute path, which must not get into an archive; got .*Remove the path/,
    );
    expect(existsSync(archive)).toBe(false);
  });

  it('--no-records leaves out what tells of single patients', async () => {
    const { files, leftOut } = await packJob({ records: false });
    const rows = ['events.jsonl', 'report.html', 'test_predictions.csv'];
    expect(files).toEqual(kept.filter((path) => !rows.includes(path)));
    expect(leftOut).toEqual(expect.arrayContaining(rows));
    const unpacked = await unpack({ archive, target });
    expect(unpacked.records).toBe(false);
    expect(JSON.parse(restored('report.json'))).toEqual({
      row: { worst: 'record, sample 5' },
      pictures: [{ kind: 'roc' }],
    });
    expect(restored('report.md')).toMatch(/^Worst: record of /);
    for (const path of unpacked.files) {
      expect(readFileSync(join(target, 'af', path)).includes('A0000')).toBe(false);
    }
  });
});

describe('a folder that is not packed', () => {
  it('unfinished, missing, of an odd name', async () => {
    rmSync(join(job, 'complete.json'));
    rmSync(join(job, 'report.json'));
    await expect(packJob()).rejects.toThrow(
      /does not contain a finished run; expected complete.json or report.json. Finish the run first/,
    );
    await expect(packJob({ job: join(folder, 'none') })).rejects.toThrow(/there is no such folder/);
    mkdirSync(join(folder, 'a b'));
    await expect(packJob({ job: join(folder, 'a b') })).rejects.toThrow(/the folder's name cannot be/);
  });

  it('an archive that is there', async () => {
    writeFileSync(archive, 'mine');
    await expect(packJob()).rejects.toThrow(/exists already.*--force/);
    expect(readFileSync(archive, 'utf8')).toBe('mine');
  });

  it('damaged JSON', async () => {
    writeFileSync(join(job, 'config.json'), '{');
    await expect(packJob()).rejects.toThrow(/config.json: the file cannot be read; .*expected JSON/);
    expect(existsSync(archive)).toBe(false);
  });

  it.each([
    ['a name that unpack refuses', ['predictions/aux.csv'], /af\/predictions\/aux.csv": refused: the name of a device/],
    ['a .git', ['.git/report.json'], /a \.git/],
    ['two names of one letter case', ['predictions/a.csv', 'predictions/A.csv'], /some file systems treat as/],
  ])('%s', async (_, names, message) => {
    for (const name of names) {
      mkdirSync(dirname(join(job, name)), { recursive: true });
      writeFileSync(join(job, name), '{}');
    }
    await expect(pack({ job, output: archive })).rejects.toThrow(message);
    expect(existsSync(archive)).toBe(false);
  });

  it('pipes stay behind, and do not hold anything up', async () => {
    rmSync(join(job, 'history.csv'));
    for (const name of ['history.csv', 'pack.json']) execFileSync('mkfifo', [join(job, name)]);
    const { files, leftOut } = await packJob();
    expect(files).not.toContain('history.csv');
    expect(leftOut).toEqual(expect.arrayContaining(['history.csv', 'pack.json']));
  });

  it('links stay behind', async () => {
    rmSync(join(job, 'history.csv'));
    symlinkSync('/etc/passwd', join(job, 'history.csv'));
    const { files, leftOut } = await packJob();
    expect(files).not.toContain('history.csv');
    expect(leftOut).toContain('history.csv');
  });
});

describe('PathRemover', () => {
  const remover = new PathRemover('/home/anna/my jobs/af');

  it.each([
    ['/home/anna/my jobs/af/history.csv', 'history.csv'],
    ['read /home/anna/my jobs/af/sub/x.csv.', 'read sub/x.csv.'],
    ['--data /scratch/ecg/cinc2017 --seed 1', '--data cinc2017 --seed 1'],
    ['(/tmp/a/b.pkl), "/var/c/d.pkl"', '(b.pkl), "d.pkl"'],
    ['PATH=/usr/bin/x:/opt/y/z', 'PATH=x:z'],
    ['file:///home/bob/x.html', 'x.html'],
    [
      'https://example.org/data/x and N/A/O or mV/s; </data></g>',
      'https://example.org/data/x and N/A/O or mV/s; </data></g>',
    ],
    ['layers /res_net/conv1/vars/0', 'layers /res_net/conv1/vars/0'],
  ])('%s', (text, expected) => {
    expect(remover.text(text)).toBe(expected);
    expect(remover.leftIn(Buffer.from(expected))).toBeUndefined();
  });
});
