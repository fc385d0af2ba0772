import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makefileOf } from '../../../src/reproduce/emit/makefile.ts';
import type { TaskList } from '../../../src/reproduce/emit/task_list.ts';

/** Signs that a shell or make would change. */
const odd = "it's $HOME #1 %d \\ `x` $(id)";

let folder = '';
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'ecg make ')), odd);
  mkdirSync(folder);
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

/** A list of tasks that note their id and arguments in a file, and end with a code. */
function listOf(
  tasks: readonly { readonly id: string; readonly needs: readonly string[]; readonly code?: number }[],
): TaskList {
  const note =
    'require("node:fs").appendFileSync(process.argv[1], process.argv[2] + "\\n"); process.exit(Number(process.argv[3]))';
  return {
    format: 1,
    experiment: 'smallest',
    folder,
    tasks: tasks.map(({ id, needs, code = 0 }) => ({
      id,
      needs,
      kind: 'data',
      command: [process.execPath, '-e', note, join(folder, 'ran'), id, String(code)],
      gpu: false,
      seconds: 1,
      resumes: false,
    })),
  };
}

function make(list: TaskList, ...args: readonly string[]): { status: number | null; output: string; ran: string[] } {
  const file = join(folder, 'Makefile');
  writeFileSync(file, makefileOf(list, `make -j2 -f ${file}`));
  const { status, stdout, stderr } = spawnSync('make', ['-j2', '-f', file, ...args], { encoding: 'utf8', cwd: '/' });
  const ran = readFileSync(join(folder, 'ran'), 'utf8').trim().split('\n');
  return { status, output: stdout + stderr, ran };
}

const diamond = [
  { id: 'check', needs: [] },
  { id: 'a', needs: ['check'] },
  { id: 'b', needs: ['check'] },
  { id: 'finish', needs: ['a', 'b'] },
];

describe('makefileOf', () => {
  it('makes each task once, after what it needs, in a folder of any name', () => {
    const { status, output, ran } = make(listOf(diamond));
    expect(output).toBe('');
    expect(status).toBe(0);
    expect([ran[0], [...ran.slice(1, 3)].sort(), ran[3]]).toEqual(['check', ['a', 'b'], 'finish']);
  });

  it('makes one task and what it needs', () => {
    expect(make(listOf(diamond), 'b').ran).toEqual(['check', 'b']);
  });

  it('stops with the code of a task that was paused', () => {
    const paused = diamond.map((task) => (task.id === 'a' ? { ...task, code: 75 } : task));
    const { status, output, ran } = make(listOf(paused), '-k');
    expect(status).toBe(2);
    expect(output).toMatch(/\[.*a\] Error 75/);
    expect(ran).not.toContain('finish');
    expect(ran).toContain('b');
  });
});
