import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { root } from '../shared_data.ts';

it('the example of docs/graph.md runs and learns', async () => {
  const text = readFileSync(join(root, 'docs', 'graph.md'), 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(text)![1];
  // A program of a user: the package is a dependency, not the folder that it lies in.
  const folder = mkdtempSync(join(tmpdir(), 'graph-'));
  mkdirSync(join(folder, 'node_modules'));
  for (const [name, target] of [
    ['ecg-transplant', root],
    ['tsx', join(root, 'node_modules', 'tsx')],
  ] as const) {
    symlinkSync(target, join(folder, 'node_modules', name));
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'example.ts'), example);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'example.ts'], { cwd: folder });
    expect(Number(/accuracy (.*)/.exec(stdout)![1])).toBeGreaterThan(0.9);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
