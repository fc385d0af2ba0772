import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeIcentiaPatient } from '../../src/synthetic/write_icentia.ts';
import { writeSmallSet } from '../port/training_data.ts';
import { root } from '../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'signals-'));
const bin = join(root, 'bin', 'ecg-transplant.mjs');

interface Started {
  readonly child: ChildProcess;
  /** Resolves when the output holds the text. */
  until(text: string): Promise<void>;
  readonly ended: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly output: string;
  }>;
}

function start(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Started {
  const env = { ...process.env, CI: '1', TF_NUM_INTRAOP_THREADS: '1', ...options.env };
  const child = spawn(program, args, {
    cwd: options.cwd ?? folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      for (const look of waiting) look();
    });
  }
  const ended = new Promise<Awaited<Started['ended']>>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, output }));
  });
  const until = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!output.includes(text)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      void ended.then(() => reject(new Error(`ended without ${JSON.stringify(text)}:\n${output}`)));
      look();
    });
  return { child, until, ended };
}

let job = 0;
const jobOptions = (): string[] => [
  ...['--job-dir', join(folder, `job${++job}`), '--batch-size', '4', '--epochs', '500', '--seed', '1'],
];
const finetune = (): string[] => ['finetune', ...jobOptions(), '--train', join(folder, 'train.pkl')];

/** A network of one stage starts in half the time; finetuning has no such option. */
const pretrain = (): string[] => [
  ...['pretrain', ...jobOptions(), '--task', 'beat', '--train', join(folder, 'patients'), '--unzipped'],
  ...['--patients', '0-1', '--stages', '1', '--frame-size', '256', '--samples-per-patient', '4'],
  ...['--steps-per-epoch', '8'],
];

/** Tells, on standard error, when the program listens; it has run none of its other modules by then. */
const announce = `data:text/javascript,process.on('newListener', (name) => name === 'SIGUSR2' %26%26 process.nextTick(() => process.stderr.write('listens\\n')))`;

beforeAll(async () => {
  await writeSmallSet(join(folder, 'train.pkl'), { records: 32 });
  for (const id of [0, 1]) {
    await writeIcentiaPatient(id, { seed: 1, segments: 2, samples: 6000 }, { unzipped: join(folder, 'patients') });
  }
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{}');
  symlinkSync(root, join(folder, 'node_modules', 'ecg-transplant'));
  symlinkSync('../ecg-transplant/bin/ecg-transplant.mjs', join(folder, 'node_modules', '.bin', 'ecg-transplant'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a signal before the command is loaded', () => {
  it.each([
    ['SIGUSR1', pretrain],
    ['SIGUSR2', pretrain],
    ['SIGTERM', finetune],
    ['SIGINT', pretrain],
  ] as const)(
    '%s pauses a job: code 75',
    async (name, command) => {
      const { child, until, ended } = start(process.execPath, ['--import', announce, bin, ...command()]);
      await until('listens');
      child.kill(name);
      const { code, output } = await ended;
      expect(output).toContain(`paused (${name}), all is saved`);
      expect(output).not.toContain('Debugger');
      expect(code).toBe(75);
    },
    120_000,
  );

  it('SIGUSR1 before the first line of the program pauses it too, and closes the debugger', async () => {
    // The parent's signal can come before Node has run anything.
    const { child, ended } = start(process.execPath, [bin, ...pretrain()]);
    const clock = setInterval(() => child.kill('SIGUSR1'), 20);
    setTimeout(() => clearInterval(clock), 400);
    const { code, signal, output } = await ended;
    // In the very first moment a program cannot but be killed.
    if (signal !== null) return;
    expect(output).toContain('paused (SIGUSR1), all is saved');
    expect(code).toBe(75);
  }, 120_000);

  it.each([
    ['SIGTERM', 143],
    ['SIGUSR1', 138],
  ] as const)('%s ends a command that does not pause: code %i', async (name, expected) => {
    const { child, until, ended } = start(process.execPath, [
      '--import',
      announce,
      bin,
      'make-data',
      '--target',
      'made',
    ]);
    await until('listens');
    child.kill(name);
    const { code, output } = await ended;
    expect([code, output]).toEqual([expected, 'listens\n']);
    expect(existsSync(join(folder, 'made'))).toBe(false);
  });
});

describe('a job that runs', () => {
  it.each([
    ['SIGINT', [process.execPath, bin]],
    ['SIGUSR1', [process.execPath, bin]],
    ['SIGUSR2', [join('node_modules', '.bin', 'ecg-transplant')]],
    ['SIGTERM', [join('node_modules', '.bin', 'ecg-transplant')]],
  ] as const)(
    '%s pauses it: code 75 (%j)',
    async (name, [program, ...first]) => {
      const { child, until, ended } = start(program, [...first, ...finetune()]);
      await until('Epoch 1/');
      child.kill(name);
      const { code, output } = await ended;
      expect(output).toContain(`paused (${name}), all is saved`);
      expect(code).toBe(75);
    },
    120_000,
  );

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'under npm run, %s to npm, or to all as Ctrl-C: code 75',
    async (name) => {
      for (const toAll of [false, true]) {
        const { child, until, ended } = start('npm', ['run', 'pretrain', '--', ...pretrain().slice(1)], { cwd: root });
        await until('Epoch 1/');
        process.kill(toAll ? -child.pid! : child.pid!, name);
        const { code, output } = await ended;
        expect(output).toContain(`paused (${name}), all is saved`);
        expect(code).toBe(75);
      }
    },
    180_000,
  );

  it.each(['SIGTERM', 'SIGUSR2'] as const)(
    'under npx it saves when npx is ended by %s, though nobody gets its code',
    async (name) => {
      const args = pretrain();
      const { child, until, ended } = start('npx', ['ecg-transplant', ...args]);
      await until('Epoch 1/');
      child.kill(name);
      expect((await ended).output).toContain('paused (SIGTERM), all is saved');
      expect(existsSync(join(args[2], 'checkpoint.npz'))).toBe(true);
    },
    120_000,
  );

  it('under npm run it saves when npm is ended by SIGUSR2, though nobody gets its code', async () => {
    const args = pretrain();
    const { child, until, ended } = start('npm', ['run', 'pretrain', '--', ...args.slice(1)], { cwd: root });
    await until('Epoch 1/');
    child.kill('SIGUSR2');
    expect((await ended).output).toContain('paused (SIGTERM), all is saved');
    expect(existsSync(join(args[2], 'checkpoint.npz'))).toBe(true);
  }, 120_000);
});

describe('scripts', () => {
  const script = join(root, 'scripts', 'reproduce.mjs');
  const options = ['--profile', 'smallest', '--side', 'port', '--job-dir'];

  // Each run begins with a copy of what its first stage leaves.
  beforeAll(async () => {
    const { ended } = start(process.execPath, [script, ...options, join(folder, 'begun'), '--only', 'doctor']);
    expect((await ended).code).toBe(0);
  }, 120_000);

  it.each(['SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const)(
    'reproduce.mjs passes %s on and ends with the code of the command',
    async (name) => {
      const run = join(folder, `run-${name}`);
      cpSync(join(folder, 'begun'), run, { recursive: true });
      const { child, until, ended } = start(process.execPath, [script, ...options, run]);
      await until('data/');
      child.kill(name);
      const { code, output } = await ended;
      expect(output).toContain('paused; finished work is kept');
      expect(code).toBe(75);
    },
    180_000,
  );

  it('fetch-data.mjs ends with the code of the command', async () => {
    const { ended } = start(process.execPath, [join(root, 'scripts', 'fetch-data.mjs'), 'nothing-of-this-name']);
    expect((await ended).code).toBe(2);
  });
});
