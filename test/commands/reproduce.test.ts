import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { help } from '../../src/commands/reproduce.ts';
import { experiments } from '../../src/experiments.ts';
import { root } from '../shared_data.ts';

// The backbone is cut to its first stage, which the command line cannot: the files are small, the jobs short.
vi.mock('../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 1) };
});

const example = join(root, 'examples', 'data_efficiency.json');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg-reproduce-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

/** Runs the command in this process; what it printed. */
async function reproduce(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  for (const [name, stream] of [
    ['out', process.stdout],
    ['err', process.stderr],
  ] as const) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      texts[name] += String(text);
      return true;
    });
  }
  const code = await main(['reproduce', ...args]);
  vi.restoreAllMocks();
  return { code, ...texts };
}

describe('ecg-transplant reproduce refuses', () => {
  it.each([
    [
      ['--profile', 'huge'],
      /--profile: invalid value; got huge; expected quick, smallest, sample, dl4h, paper, transfer, ptb-xl or cpsc2018/,
    ],
    [['--profile', 'sample'], /needs real recordings; expected --data DIR.*fetch-data/],
    [
      ['--data', '.'],
      /generates its own recordings; got --data \.\. To use real recordings: --profile sample --data \./,
    ],
    [['--side', 'left'], /--side: invalid value; got left; expected both, port or original/],
    [['--trials', '0'], /--trials: invalid value; got 0; expected a whole number from 1/],
    [['--trials', '1.5'], /--trials: invalid value; got 1\.5/],
    [['--seed', '0'], /--seed: invalid value; got 0; expected a whole number from 1/],
    [['--seed=-1'], /--seed: invalid value; got -1/],
    [
      ['--precision', 'float16'],
      /--precision: invalid value; got float16; expected float32, bfloat16, float64 or auto/,
    ],
    [['--from', 'training'], /--from: invalid value; got training; expected doctor, data, pretraining/],
    [['--only', 'all'], /--only: invalid value; got all/],
    [
      ['--weights-file', 'x.h5'],
      /pretrains its own weights; got --weights-file x\.h5\. To use your own weights: --profile transfer/,
    ],
    [['--emit', 'yaml'], /--emit: invalid value; got yaml; expected json, make or kubernetes/],
    [['--emit', 'make', '--only', 'data'], /--emit and --only exclude each other\. Leave --only out\./],
    [['--emit', 'make', '--run-task', 'check'], /--emit and --run-task exclude each other/],
    [['--emit', 'make', '--engine', 'slurm'], /--emit and --engine slurm exclude each other/],
    [['--emit', 'kubernetes'], /--emit kubernetes needs --image NAME/],
    [['--emit', 'kubernetes', '--image', 'x'], /--emit kubernetes needs --claim NAME/],
    [['--image', 'x'], /--image is for --emit kubernetes only\. Leave --image out\./],
    [
      ['--emit', 'kubernetes', '--image', 'x', '--claim', 'y', '--mount', '/elsewhere'],
      /--job-dir: the path is not on the volume; got .*refused; expected a path in \/elsewhere/,
    ],
    [['--run-task', 'check', '--force'], /--run-task and --force exclude each other/],
    [
      ['--run-task', 'finsh'],
      /--run-task: the run has no such task; got finsh; expected one of its \d+ tasks, such as check or finish\. Did you mean finish\?/,
    ],
    [['--run-task', 'check'], /refused\/experiment\.json: the folder was not prepared for this run/],
    [['--original', '/'], /this is not a checkout of the Python original/],
    [['--experiment', 'none.json'], /none\.json: the experiment is missing/],
    [
      ['--experiment', example, '--profile', 'smallest'],
      /--profile and --experiment both name an experiment; got --profile smallest --experiment/,
    ],
    [['--experiment', example, '--weights-file', 'x.h5'], /data_efficiency pretrains its own weights/],
    [['--experiment', example, '--data', 'nowhere'], /nowhere\/cinc2017\/RECORDS: a collection is missing/],
  ])('%j', async (args, message) => {
    const { code, err } = await reproduce('--job-dir', join(folder, 'refused'), ...args);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  it('a folder without the collections of the experiment, and names the file it looked for', async () => {
    const { code, err } = await reproduce('--profile', 'sample', '--data', join(root, 'docs'));
    expect(code).toBe(2);
    expect(err).toContain(join(root, 'docs', 'cinc2017', 'RECORDS'));
  });

  it('a transfer without weights, or with a file that is not there', async () => {
    const data = join(folder, 'cinc');
    mkdirSync(join(data, 'cinc2017'), { recursive: true });
    writeFileSync(join(data, 'cinc2017', 'RECORDS'), '');
    const transfer = ['--profile', 'transfer', '--data', data];
    expect((await reproduce(...transfer)).err).toMatch(/needs pretrained weights; expected --weights-file FILE/);
    expect((await reproduce(...transfer, '--weights-file', join(data, 'no.h5'))).err).toMatch(
      /no\.h5 \(nor .*no\.h5\.index, as a checkpoint of tf\.keras 2 would have\)/,
    );
  });

  it('to begin in the middle of nothing', async () => {
    const { code, err } = await reproduce('--job-dir', join(folder, 'empty'), '--from', 'metrics');
    expect(code).toBe(2);
    expect(err).toMatch(/doctor\/environment: an earlier stage is not complete.*Leave out --from and --only/);
  });
});

describe('ecg-transplant reproduce', () => {
  it('teaches with --help: every profile and every stage', () => {
    for (const { name, summary } of Object.values(experiments)) {
      expect(help()).toContain(name);
      expect(help()).toContain(summary);
    }
    expect(help()).toContain(
      '(doctor, data, pretraining, weights, finetuning, predictions, metrics, original, comparison, report)',
    );
  });

  it('lists steps and starts nothing', async () => {
    const { code, out } = await reproduce('--list', '--job-dir', join(folder, 'listed'));
    expect(code).toBe(0);
    expect(out).toContain('original/finetuning challenge20-hr, trial 1');
    expect(out).toMatch(/About \d+ min left/);
    expect(existsSync(join(folder, 'listed'))).toBe(false);
  });

  it('writes the tasks that are not done into the folder of the run, with commands that run them from anywhere', async () => {
    const run = join(folder, 'it is $1');
    const options = ['--profile', 'smallest', '--side', 'port', '--job-dir', run];
    const { code, out } = await reproduce(...options, '--emit', 'json');
    expect(code).toBe(0);
    expect(out).toBe(`7 tasks, about 33 s of work on two cores\n${join(run, 'tasks.json')}\n`);
    const { tasks } = JSON.parse(readFileSync(join(run, 'tasks.json'), 'utf8')) as { tasks: { command: string[] }[] };
    expect(tasks[1].command.slice(2)).toEqual([
      ...['reproduce', '--profile', 'smallest', '--side', 'port', '--seed', '2021', '--precision', 'float32'],
      ...['--job-dir', run, '--run-task', 'data-patients'],
    ]);
    const [program, ...args] = tasks[1].command;
    const first = spawnSync(program, args, { cwd: '/', encoding: 'utf8' });
    expect([first.status, first.stdout]).toEqual([0, 'data-patients: done\n']);
    const second = await reproduce(...args.slice(2));
    expect([second.code, second.out]).toEqual([0, 'data-patients: nothing to do, it is done already\n']);
    const early = await reproduce(...options, '--run-task', 'pretraining-beat', '--seed', '5');
    expect([early.code, early.err]).toEqual([2, expect.stringContaining('prepared for a run with other options')]);
    const finish = await reproduce(...options, '--run-task', 'finish');
    expect(finish.code).toBe(2);
    expect(finish.err).toMatch(/finish: 3 tasks are not done whose results it reads:\n {2}[a-z0-9-]+: not begun\n/);
    const made = await reproduce(...options, '--emit', 'make');
    expect(made.out).toContain(`6 tasks, about `);
    expect(made.out).toContain(`Start them: make -j2 -f '${join(run, 'Makefile')}'`);
  });

  it('runs one side to its scores, does nothing twice, and goes on where a change begins', {
    timeout: 240_000,
  }, async () => {
    const options = ['--profile', 'smallest', '--side', 'port', '--job-dir', join(folder, 'port')];
    const first = await reproduce(...options);
    expect(first.err).not.toContain('reproduce:');
    expect(first.code).toBe(0);
    expect(first.out).toContain('Only the port ran, so nothing was compared.');
    const files = [
      'scores.md',
      'port/scores.json',
      'port/finetuning/physionet-beat/trial-1/history.csv',
      'port/weights/beat.weights.h5',
      'port/predictions/physionet-beat/trial-1.csv',
      'logs/finetuning-physionet-beat-trial-1.log',
    ];
    for (const file of files) expect(existsSync(join(folder, 'port', file)), file).toBe(true);
    expect(readdirSync(join(folder, 'port', 'locks'))).toEqual([]);

    const times = (): number[] => files.map((file) => statSync(join(folder, 'port', file)).mtimeMs);
    const before = times();
    const second = await reproduce(...options);
    expect(second.out).toBe(first.out);
    expect(second.err).toBe('');
    expect(times()).toEqual(before);

    // Another stage begins anew: what came before it stays, what was made of it follows.
    const history = readFileSync(join(folder, 'port', files[2]), 'utf8');
    const third = await reproduce(...options, '--from', 'predictions', '--force');
    expect(third.err).not.toContain('finetuning/');
    expect(third.err).toContain('predictions/physionet-beat, trial 1');
    expect(third.out).toBe(first.out);
    expect(readFileSync(join(folder, 'port', files[2]), 'utf8')).toBe(history);

    const other = await reproduce(...options, '--profile', 'quick');
    expect(other.err).toMatch(/the folder holds another experiment; got smallest; expected quick/);
  });
});

describe('ecg-transplant reproduce --experiment', () => {
  it('lists the jobs of a grid with their times, and starts nothing', async () => {
    const { code, out } = await reproduce('--experiment', example, '--list', '--job-dir', join(folder, 'grid'));
    expect(code).toBe(0);
    expect(out).toMatch(/\| beat-0\.1 +\| physionet \| beat +\| resnet18 \| +10 % +\| +2 \| +2 \| +\d+ s \|/);
    expect(out).toMatch(/\| random-1 +\| physionet \| random +\| resnet18 \| +100 % /);
    expect(out).toContain('original/finetuning random-0.25, trial 2');
    expect(existsSync(join(folder, 'grid'))).toBe(false);
  });

  it('runs the port without a Python process, and again only what a change of the file affects', {
    timeout: 480_000,
  }, async () => {
    const { generated, sets, pretraining, finetuning, ...rest } = JSON.parse(readFileSync(example, 'utf8'));
    const small = { generated, sets: [{ ...sets[0], pad: 512 }] };
    const [pretrained] = pretraining;
    const file = join(folder, 'mine.json');
    const write = (subsets: number[], more: object = {}): void => {
      const grid = { ...finetuning[0], for: { weights: ['beat'], subset: subsets }, epochs: 1 };
      const own = {
        ...rest,
        name: 'mine',
        ...small,
        pretraining: [{ ...pretrained, stepsPerEpoch: 2 }],
        finetuning: [grid],
        contrasts: [],
        trials: 1,
      };
      writeFileSync(file, JSON.stringify({ ...own, ...more }));
    };
    vi.stubEnv('ECG_PYTHON', '/bin/false');
    const options = ['--experiment', file, '--side', 'port', '--job-dir', join(folder, 'mine')];
    write([0.25]);
    const first = await reproduce(...options);
    expect(first.err).not.toContain('reproduce:');
    expect(first.code).toBe(0);
    const done = (text: string): string[] => [...text.matchAll(/\] (\S+\/.*?);/g)].map(([, title]) => title);
    expect(done(first.err)).toContain('pretraining/beat');

    write([0.25, 0.5], { remarks: ['changed'] });
    const second = await reproduce(...options);
    expect(second.code).toBe(0);
    expect(done(second.err)).toEqual([
      'finetuning/beat-0.5, trial 1',
      'predictions/beat-0.5, trial 1',
      'metrics/scores',
      'report/report',
    ]);
    vi.unstubAllEnvs();
  });
});

describe('scripts/reproduce.mjs', () => {
  it('says what to do when no data are named for real recordings', () => {
    const script = join(root, 'scripts', 'reproduce.mjs');
    const args = [script, '--profile', 'sample'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    expect(stderr).toContain('the experiment sample needs real recordings');
    expect(status).toBe(2);
  });
});
