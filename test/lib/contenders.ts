import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import { lockFolder } from '../../src/lib/lock.ts';
import { root } from '../shared_data.ts';

/** A process that locks folders as it is told. */
export class Contender {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(...wrapper: string[]) {
    const command = [...wrapper, process.execPath, '--import', 'tsx', join(root, 'test/fixtures/lock/contender.ts')];
    this.process = spawn(command[0], command.slice(1), { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
    contenders.push(this);
  }

  async answer(): Promise<string> {
    const { value } = await this.#lines.next();
    return String(value);
  }

  ask(line: string): Promise<string> {
    this.process.stdin!.write(`${line}\n`);
    return this.answer();
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }
}

/** Those that run; tests end them with `killAll`. */
const contenders: Contender[] = [];
export async function killAll(): Promise<void> {
  for (const contender of contenders.splice(0)) await contender.kill();
}

export async function start(...wrapper: string[]): Promise<Contender> {
  const contender = new Contender(...wrapper);
  expect(await contender.answer()).toBe('ready');
  return contender;
}

/** A lock as a process left it. */
export function writeLock(file: string, changes: object, age = 0): void {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'));
  const unlock = lockFolder(folder);
  const own = JSON.parse(readFileSync(join(folder, 'job.lock'), 'utf8')) as object;
  unlock();
  rmSync(folder, { recursive: true });
  writeFileSync(file, `${JSON.stringify({ ...own, ...changes })}\n`);
  const time = Date.now() / 1000 - age;
  utimesSync(file, time, time);
}

/** The number of a process that has ended. */
export function deadProcess(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

/** Processes that start at once, over a fresh folder and over the lock of a process that was killed: exactly one of them gets in. */
export async function expectOneOf(count: number, rounds: number): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'locks-'));
  try {
    const all = await Promise.all(Array.from({ length: count }, () => start()));
    for (let round = 0; round < rounds; round++) {
      const folder = join(base, String(round));
      mkdirSync(folder);
      if (round % 2 === 1) writeLock(join(folder, 'job.lock'), { pid: deadProcess() });
      const answers = await Promise.all(all.map((one) => one.ask(folder)));
      expect(answers.filter((answer) => answer === 'in')).toHaveLength(1);
      expect(answers.filter((answer) => answer.startsWith('FolderBusy: '))).toHaveLength(count - 1);
      await Promise.all(all.map((one) => one.ask('free')));
      expect(readdirSync(folder)).toEqual([]);
    }
  } finally {
    await killAll();
    rmSync(base, { recursive: true, force: true });
  }
}
