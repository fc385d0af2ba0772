import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readRecording } from '../../src/recordings/recordings.ts';

/** What a Python reader reads from a file, as the script beside the file has stored it. */
export interface Expected {
  readonly fs: number;
  readonly units: readonly string[];
  readonly leads: Readonly<Record<string, { readonly first: readonly number[]; readonly sha256: string }>>;
}

/** What is expected of each file of a folder of fixtures. */
export function expectedOf(folder: string): [name: string, expected: Expected][] {
  return Object.entries(JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, Expected>);
}

/** Reads a recording in the unit of its file, and holds it against what Python reads, to the last bit. */
export function expectSame(file: string, { fs, units, leads }: Expected): void {
  expect(new Set(units).size).toBe(1);
  const recording = readRecording(file, { kind: 'any' }, { units: units[0] });
  expect(recording.fs).toBe(fs);
  expect(recording.leads).toEqual(Object.keys(leads));
  const { data, shape } = recording.signal;
  const width = shape[1];
  Object.values(leads).forEach(({ first, sha256 }, lead) => {
    const values = Float64Array.from({ length: shape[0] }, (_, i) => data[i * width + lead]);
    expect(Array.from(values.subarray(0, 3))).toEqual(first);
    expect(createHash('sha256').update(values).digest('hex')).toBe(sha256);
  });
}
