import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { root } from '../shared_data.ts';

it('the example of docs/graph.md runs and learns', async () => {
  const text = readFileSync(join(root, 'docs', 'graph.md'), 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(text)![1]!;
  // Beside the document, so that the imports are those which a reader sees.
  const file = join(root, 'docs', `.example-${process.pid}.ts`);
  writeFileSync(file, example);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file], { cwd: root });
    expect(Number(/accuracy (.*)/.exec(stdout)![1])).toBeGreaterThan(0.9);
  } finally {
    rmSync(file);
  }
});
