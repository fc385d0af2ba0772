import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  commandOf,
  formatDifference,
  formatSeconds,
  formatShare,
  formatWorst,
} from '../../../src/compare/report/figures.ts';
import { brief, plain } from '../../../src/page/plain.ts';
import { closeRow, exactRow } from './example.ts';

describe('plain', () => {
  it.each([
    ['an escape of a terminal', '\u001b[31mred', '\\u001b[31mred'],
    ['text that runs backwards', 'a\u202eb', 'a\\u202eb'],
    ['half a pair', 'a\ud800b', 'a\\ud800b'],
    ['two lines', 'a\nb', 'a b'],
    ['a NUL', '\0', '\\u0000'],
  ])('shows %s', (_title, text, expected) => {
    expect(plain(text)).toBe(expected);
  });

  it('leaves other scripts and pairs alone', () => {
    expect(plain('Überleitung 心電図 🫀')).toBe('Überleitung 心電図 🫀');
  });

  it('cuts what is too long, between characters, and says how long it is', () => {
    expect(plain('🫀'.repeat(200), 10)).toBe(`${'🫀'.repeat(5)}… (400 characters)`);
    expect(plain('🫀'.repeat(200), 11)).toBe(`${'🫀'.repeat(5)}… (400 characters)`);
    expect(plain('abc', 3)).toBe('abc');
    expect(plain('abcd', 3)).toBe('abc… (4 characters)');
  });
});

describe('brief', () => {
  it('is never longer than asked for', () => {
    expect(brief('abcd', 4)).toBe('abcd');
    expect(brief('abcde', 4)).toBe('abc…');
    expect(brief('ab🫀cd', 4)).toBe('ab…');
  });
});

describe('figures of a row', () => {
  it('say what differs, where, and how much of the limit it uses', () => {
    const row = closeRow('activations', 'n');
    expect(formatDifference(row)).toBe('5.0e-12');
    expect(formatShare(row)).toBe('50 %');
    expect(formatWorst(row)).toBe('conv1[0, 3]: 1 in the port, 1.000000000005 in the original, 22,518 ulp');
  });

  it('tell a tiny share from none', () => {
    expect(formatShare(closeRow('activations', 'n', { difference: 1e-16 }))).toBe('< 0.1 %');
    expect(formatShare(closeRow('activations', 'n', { difference: 0 }))).toBe('0.0 %');
  });

  it.each([Number.POSITIVE_INFINITY, Number.NaN])('a difference of %d has no share', (difference) => {
    const row = closeRow('activations', 'n', { passed: false, difference, worst: undefined, note: 'shape' });
    expect([formatDifference(row), formatShare(row), formatWorst(row)]).toEqual(['not comparable', '–', 'shape']);
  });

  it('exact rows count what differs', () => {
    expect(formatDifference(exactRow('files', 'n', { difference: 1200 }))).toBe('1,200 differ');
  });
});

describe('formatSeconds', () => {
  it.each([
    [0.04, '0.0 s'],
    [9.94, '9.9 s'],
    [59.4, '59 s'],
    [59.6, '1 min 0 s'],
    [200, '3 min 20 s'],
  ])('%d', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});

describe('commandOf', () => {
  it.each(["it's", '$(touch /tmp/x)', 'a b; c', '`id`', '"', '\\', 'resnet18, 12 leads'])(
    'a shell sees the case %s',
    (name) => {
      const settings = ['--data', '/with space'];
      const command = commandOf({ command: '', settings }, 'weights', name);
      const words = command.replace('npm run compare --', "printf '%s\\n'");
      const seen = execFileSync('sh', ['-c', words], { encoding: 'utf8' });
      expect(seen.split('\n').slice(0, -1)).toEqual([...settings, '--suite', 'weights', '--case', name]);
    },
  );

  it('compares the files of a run again for a case on them', () => {
    const command = 'npm run reproduce -- --seed 1';
    expect(commandOf({ command, settings: [] }, 'files', 'this run: data af')).toBe(
      `${command} --only comparison --force`,
    );
  });
});
