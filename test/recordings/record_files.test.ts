import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { writeNpy } from '../../src/lib/numpy/npy.ts';
import { listRecordings } from '../../src/recordings/record_files.ts';
import { readRecording } from '../../src/recordings/recordings.ts';

const folder = mkdtempSync(join(tmpdir(), 'record-files-'));
const at = (...names: string[]): string => join(folder, ...names);
const place = (path: string): string => relative(folder, path);

/** Writes a file with a value that tells it apart from its siblings. */
function write(name: string, value: number): void {
  mkdirSync(dirname(at(name)), { recursive: true });
  if (name.endsWith('.npy')) writeNpy(at(name), ndarray('float64', [2, 1], Float64Array.of(value, 0)));
  else if (/\.csv$/i.test(name)) writeFileSync(at(name), `I\n${value}\n0\n`);
  else writeFileSync(at(name), Buffer.from(Int16Array.of(value * 1000, 0).buffer));
}

function writeWfdb(name: string, value: number, signals = `${name.split('/').at(-1)}.dat`): void {
  write(name.replace(/[^/]*$/, signals), value);
  const base = name.split('/').at(-1);
  writeFileSync(at(`${name}.hea`), `${base} 1 250 2\n${signals} 16 1000(0)/mV 16 0 0 0 0 I\n`);
}

beforeAll(() => {
  // Every form of one name, each with a value of its own; the array of MATLAB is a WFDB signal file.
  writeWfdb('all/pat', 1);
  write('all/pat.csv', 2);
  write('all/pat.npy', 3);
  writeWfdb('mat/rec', 4, 'rec.mat');
  write('own/x.CSV', 5);
  write('own/dots.v1.csv', 6);
  write('own/dots.v1.2.npy', 7);
  writeFileSync(at('own', 'y.gdf'), 'GDF 2.20');
  writeFileSync(at('own', 'z.dat'), Buffer.from('00010203', 'hex'));
  writeFileSync(at('own', 'pointer.csv'), 'version https://git-lfs.github.com/spec/v1\n');
  writeFileSync(at('own', 'swapped.npy'), 'I\n1\n');
  writeFileSync(at('own', 'array.csv'), Buffer.from('\x93NUMPY', 'latin1'));
  mkdirSync(at('empty'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const first = (path: string): number => readRecording(path, { kind: 'any', fs: 250, leads: ['I'] }).signal.data[0];

describe('recordingFile', () => {
  it.each([
    ['all/pat.hea', 1],
    ['all/pat.dat', 1],
    ['all/pat.csv', 2],
    ['all/pat.npy', 3],
    ['mat/rec.mat', 4],
    ['own/x.CSV', 5],
    ['own/dots.v1.csv', 6],
    ['own/dots.v1.2.npy', 7],
  ])('a file that is named is the file that is read: %s', (path, value) => {
    expect(first(at(path))).toBe(value);
  });

  it.each([
    ['all/pat', 1],
    ['mat/rec', 4],
    ['own/dots.v1', 6],
    ['own/dots.v1.2', 7],
  ])('a name without ending: %s', (path, value) => {
    expect(first(at(path))).toBe(value);
  });

  it.each([
    ['own/y.gdf', /y\.gdf: not a recording that can be read; got a GDF recording; expected a WFDB record/],
    ['own/y', /y\.gdf: not a recording that can be read; got a GDF recording/],
    ['own/z.dat', /z\.dat: .*got binary data of an unknown kind, which begin with 00010203/],
    ['own/pointer.csv', /pointer\.csv: this is a Git LFS pointer: .*Fetch it: git -C \S+ lfs pull/],
    ['own/swapped.npy', /swapped\.npy: .*got a text file/],
    ['own/array.csv', /array\.csv: .*got a NumPy array/],
    ['own', /own: this is a folder, not a recording/],
  ])('what is there is never "No such file": %s', (path, message) => {
    expect(() => first(at(path))).toThrow(InputError);
    expect(() => first(at(path))).toThrow(message);
  });

  it('an error for a missing recording lists every name that was tried', () => {
    expect(() => first(at('none.csv'))).toThrow(/No such file or directory: \S+none\.csv \(nor with \.hea, /);
    // What lies beside does not stand in for a file that was named.
    expect(() => first(at('all', 'pat.mat'))).toThrow('No such file');
  });

  it('a Git LFS pointer is reported as such', () => {
    writeWfdb('lfs/r', 1);
    writeFileSync(at('lfs', 'r.dat'), 'version https://git-lfs.github.com/spec/v1\n');
    expect(() => first(at('lfs', 'r'))).toThrow(/r\.dat: this is a Git LFS pointer/);
    rmSync(at('lfs'), { recursive: true });
  });
});

describe('listRecordings', () => {
  const names = (words: string[], recursive = false): string[] =>
    listRecordings(
      words.map((word) => at(word)),
      { recursive },
    ).map(({ path }) => place(path));

  it('a folder gives each recording once, in natural order, without tables of labels', () => {
    for (const record of ['f/r10', 'f/r2']) writeWfdb(record, 1);
    write('f/labels.csv', 1);
    write('f/REFERENCE-v3.csv', 1);
    write('f/test_predictions.csv', 1);
    write('f/.hidden.csv', 1);
    write('f/a.csv', 1);
    write('f/below/b.csv', 1);
    symlinkSync(at('f'), at('f', 'circle'));
    expect(names(['f'])).toEqual(['f/a.csv', 'f/r2', 'f/r10']);
    expect(names(['f'], true)).toEqual(['f/a.csv', 'f/below/b.csv', 'f/r2', 'f/r10']);
  });

  it('segments belong to their record, unless they are named themselves', () => {
    for (const record of ['seg/day_1', 'seg/day_2', 'seg/lone']) writeWfdb(record, 1);
    writeFileSync(at('seg', 'day.hea'), '# a day\nday/3 1 250 6\nday_1 2\n~ 2\nday_2 2\n');
    expect(names(['seg'])).toEqual(['seg/day', 'seg/lone']);
    expect(readRecording(at('seg', 'day'), { kind: 'any' }).signal.shape).toEqual([6, 1]);
    expect(names(['seg/day_1'])).toEqual(['seg/day_1']);
    expect(names(['seg/day_*.hea'])).toEqual(['seg/day_1', 'seg/day_2']);
  });

  it('a pattern', () => {
    expect(names(['all/*'])).toEqual(['all/pat.csv', 'all/pat', 'all/pat.npy']);
    expect(names(['**/pat.{csv,npy}'])).toEqual(['all/pat.csv', 'all/pat.npy']);
    expect(names(['f/*'])).not.toContain('f/below/b.csv');
    expect(names(['f/*'], true)).toContain('f/below/b.csv');
    write('odd/a[1].csv', 1);
    expect(names(['odd/a[1].csv'])).toEqual(['odd/a[1].csv']);
  });

  it('a recording that is named twice is listed once; unreadable files stay in the list', () => {
    expect(names(['all/pat', 'all/pat.hea', 'all/pat.dat', 'all'])).toEqual(['all/pat', 'all/pat.csv', 'all/pat.npy']);
    expect(names(['own/y.gdf', 'none'])).toEqual(['own/y.gdf', 'none']);
  });

  it.each([
    [['empty'], /empty: the folder holds no recordings; got no files/],
    [['all/*.xyz'], /the pattern matches no recordings; got 0 matches/],
    [['f/b*'], /got 1 matches, 1 of them folders; .*add --recursive/],
  ])('nothing to find: %j', (words, message) => {
    expect(() => names(words)).toThrow(message);
  });

  it('labels are the distinguishing part of the path, and unique', () => {
    const labels = (...paths: string[]): string[] =>
      listRecordings(paths.map((path) => at(path))).map(({ label }) => label);
    expect(labels('p1/rec_1', 'p2/rec_1')).toEqual(['p1/rec_1', 'p2/rec_1']);
    expect(labels('p1/a.csv', 'p2/b.csv')).toEqual(['a', 'b']);
    expect(labels('all/pat.csv', 'all/pat.npy')).toEqual(['pat.csv', 'pat.npy']);
    expect(labels('p1/x/rec.csv', 'p1/y/rec.csv', 'q/rec.csv')).toEqual(['p1/x/rec', 'p1/y/rec', 'q/rec']);
    expect(labels('p1/REC.csv', 'p2/rec.csv')).toEqual(['p1/REC', 'p2/rec']);
    expect(labels('p/rec.csv', 'p/q/../../q/rec.npy')).toEqual(['rec.csv', 'rec.npy']);
  });
});
