import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { selectRecords } from '../../src/prepare/select_records.ts';
import { haveSharedData, sharedData } from '../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'select-'));
afterAll(() => rmSync(folder, { recursive: true }));
const source = join(sharedData, 'cinc2017');

const lines = (path: string): string[] => readFileSync(path, 'utf8').trim().split('\n');
const shares = (reference: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const line of reference) counts[line.split(',')[1]] = (counts[line.split(',')[1]] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / reference.length]));
};

describe.skipIf(!haveSharedData)('selectRecords', () => {
  it('keeps the shares of the classes and the form of the collection', () => {
    const target = join(folder, 'sixty');
    selectRecords(source, target, 60, 1);
    const names = lines(join(target, 'RECORDS'));
    const reference = lines(join(target, 'REFERENCE.csv'));
    expect(names).toHaveLength(60);
    expect(reference.map((line) => line.split(',')[0])).toEqual(names);
    expect(readdirSync(target)).toHaveLength(2 * 60 + 2);
    const whole = shares(lines(join(source, 'REFERENCE.csv')));
    for (const [name, share] of Object.entries(shares(reference)))
      expect(Math.abs(share - whole[name])).toBeLessThan(0.02);
    expect(readFileSync(join(target, `${names[0]}.mat`))).toEqual(readFileSync(join(source, `${names[0]}.mat`)));
  });

  it('takes the same records for the same seed, others for another', () => {
    const chosen = [5, 5, 6].map((seed, i) => {
      selectRecords(source, join(folder, `seed-${i}`), 40, seed);
      return readFileSync(join(folder, `seed-${i}`, 'RECORDS'), 'utf8');
    });
    expect(chosen[1]).toBe(chosen[0]);
    expect(chosen[2]).not.toBe(chosen[0]);
  });

  it('refuses to take more records than there are', () => {
    expect(() => selectRecords(source, join(folder, 'many'), 9000, 1)).toThrow(InputError);
  });
});
