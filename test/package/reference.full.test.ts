import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../shared_data.ts';

it('npm run reference writes a page for public names, and no link of a comment is broken', () => {
  const env = { ...process.env, NO_COLOR: '1' };
  const output = execFileSync('npm', ['run', 'reference'], { cwd: root, env, encoding: 'utf8' });
  expect(output).toContain('html generated at');
  const page = readFileSync(
    join(root, 'docs', 'reference', 'functions', 'port_finetuning_trainer.finetune.html'),
    'utf8',
  );
  expect(page).toContain('finetune');
});
