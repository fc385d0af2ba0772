import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { temporaryFolder } from '../port/training_data.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

/** Runs the command in this process; resolves to its exit code and what it prints. */
async function command(...args: string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const keep = (text: unknown): boolean => {
    output += String(text);
    return true;
  };
  const streams = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(keep));
  try {
    return { code: await main(['finetune', ...args]), output };
  } finally {
    for (const stream of streams) stream.mockRestore();
  }
}

describe('ecg-transplant finetune', () => {
  test('--help names every flag of the original and the additions', async () => {
    const { code, output } = await command('--help');
    expect(code).toBe(0);
    expect(output).toMatch(/--job-dir TEXT +output folder, created if missing \(required\)/);
    expect(output).toMatch(/--batch-size N +records per step \(default 32\)/);
    expect(output).toMatch(/Additions[\s\S]*--resume /);
  });

  test.for([
    [[], 2, 'the following arguments are required: --job-dir, --train'],
    [['--job-dir', at('a'), '--train', 'x', '--epochs', 'two'], 2, "argument --epochs: invalid int value: 'two'"],
    [['--job-dir', at('a'), '--tra', 'x', '--va', '1'], 2, 'ambiguous option: --va could match --val, --val-size'],
    [['--job-dir', at('a'), '--train', 'x', '--val-metric', 'auroc'], 1, '--val-metric: got auroc'],
    [['--job-dir', at('a'), '--train', 'x', '--max-time', '-3'], 1, '--max-time cannot be used; got -3'],
  ] as const)('%j is refused before anything is created', async ([args, code, message]) => {
    const result = await command(...args);
    expect(result.output).toContain(message);
    expect(result.code).toBe(code);
    expect(existsSync(at('a'))).toBe(false);
  });

  test('--resume leaves a complete job as it is', async () => {
    mkdirSync(at('done'));
    const config = { format: 1, job: 'finetune', options: { train: 'x', epochs: 2 } };
    writeFileSync(at('done', 'config.json'), JSON.stringify(config));
    writeFileSync(at('done', 'complete.json'), JSON.stringify({ epochs: 2 }));
    expect(await command('--job-dir', at('done'), '--resume')).toEqual({
      code: 0,
      output: `${at('done')}: the job is complete\n`,
    });
  });

  test('the folder of another kind of job is refused', async () => {
    mkdirSync(at('other'));
    writeFileSync(at('other', 'config.json'), JSON.stringify({ format: 1, job: 'pretrain', options: {} }));
    const { code, output } = await command('--job-dir', at('other'), '--resume');
    expect(code).toBe(1);
    expect(output).toContain('the folder belongs to another job; got pretrain, format 1; expected finetune, format 1');
  });
});
