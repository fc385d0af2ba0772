import { describe, expect, it } from 'vitest';
import { sbatchOptions, timeLimitOf } from '../../../src/reproduce/slurm/options.ts';

const words = (text: string): string[] => sbatchOptions(text, '--slurm-args');

describe('sbatchOptions', () => {
  it('divides words as a shell does', () => {
    expect(words('--partition gpu  --gres=gpu:1')).toEqual(['--partition', 'gpu', '--gres=gpu:1']);
    expect(words(`--comment "two words" -A 'a b'c --x=\\"`)).toEqual(['--comment', 'two words', '-A', 'a bc', '--x="']);
    expect(words(`--comment ""`)).toEqual(['--comment', '']);
    expect(words('  ')).toEqual([]);
  });

  it('refuses a quote that does not end, words that are not options, and what the engine sets itself', () => {
    expect(() => words('--comment "x')).toThrow(/the quote " does not end/);
    expect(() => words('gpu')).toThrow(/--slurm-args: not an option of sbatch; got gpu/);
    expect(() => words('--array=0-3')).toThrow(
      /--slurm-args: --array=0-3 cannot be chosen: the engine makes the arrays/,
    );
    expect(() => words('-p gpu -J name')).toThrow(/-J cannot be chosen/);
    expect(() => words('-ofile')).toThrow(/-ofile cannot be chosen: the engine chooses the logs/);
  });
});

describe('timeLimitOf', () => {
  it.each([
    ['--time 30', 1800],
    ['--time=1:30', 90],
    ['-t 2:00:00', 7200],
    ['-t1-12', 129_600],
    ['--time=1-0:30', 88_200],
    ['--time=2-03:04:05', 183_845],
    ['--time=UNLIMITED', Number.POSITIVE_INFINITY],
    ['--time=10 --time=20', 1200],
    ['--partition gpu', undefined],
    ['--time=later', undefined],
  ])('%s', (text, seconds) => {
    expect(timeLimitOf(words(text))).toBe(seconds);
  });
});
