import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileKind, namesSignalFile } from '../../src/lib/file_kind.ts';
import { runPython } from '../python.ts';

const folder = mkdtempSync(join(tmpdir(), 'file-kind-'));
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  await runPython([
    '-c',
    `
import gzip, os, pickle, sys, zipfile
import numpy as np
import scipy.io
os.chdir(sys.argv[1])
np.save('a.npy', np.zeros((3, 2)))
np.savez('a.npz', x=np.zeros(3))
scipy.io.savemat('v5.mat', {'x': np.zeros((2, 3))})
scipy.io.savemat('v4.mat', {'val': np.zeros((2, 3))}, format='4')
for protocol in (2, 3, 4, 5):
    with open(f'p{protocol}.pkl', 'wb') as f:
        pickle.dump({'x': 1}, f, protocol)
with gzip.open('packed.pkl', 'wb') as f:
    pickle.dump({'x': 1}, f, 4)
with zipfile.ZipFile('plain.zip', 'w') as z:
    z.writestr('a.txt', 'x')
`,
    folder,
  ]);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const edf = `0       ${'X'.padEnd(80)}${'Startdate'.padEnd(80)}01.01.2001.01.01`;

test.each([
  ['a.npy', /NumPy array/],
  ['a.npz', /NumPy arrays/],
  ['v5.mat', /MATLAB file \(version 5/],
  ['v4.mat', /MATLAB file \(version 4/],
  ['p2.pkl', /Python pickle/],
  ['p5.pkl', /Python pickle/],
  ['packed.pkl', /Python pickle \(packed with gzip\)/],
  ['plain.zip', /zip archive/],
])('%s, as Python writes it', (name, words) => {
  expect(fileKind(at(name)).words).toMatch(words);
});

test.each<[string, string | Buffer, RegExp]>([
  ['x.edf', edf, /an EDF recording/],
  ['spaces.edf', '0'.padEnd(256), /an EDF recording/],
  ['x.bdf', Buffer.from('\xffBIOSEMI', 'latin1'), /a BDF recording/],
  ['x.dcm', Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]), /a DICOM file/],
  ['x.scp', Buffer.concat([Buffer.alloc(16, 1), Buffer.from('SCPECG')]), /an SCP-ECG recording/],
  ['v73.mat', 'MATLAB 7.3 MAT-file, Platform', /version 7\.3/],
  ['x.h5', Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), /an HDF5 file/],
  ['x.csv', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n', /a Git LFS pointer/],
  ['aecg.xml', '<?xml version="1.0"?>\n<!-- x -->\n<AnnotatedECG xmlns="urn:hl7-org:v3">', /HL7 aECG/],
  ['muse.xml', '<?xml version="1.0"?><!DOCTYPE RestingECG SYSTEM "x.dtd"><RestingECG>', /GE MUSE/],
  ['prefixed.xml', '<a:AnnotatedECG xmlns:a="urn:hl7-org:v3">', /HL7 aECG/],
  ['login.csv', '<!DOCTYPE html><html>', /a web page/],
  ['text.gz', gzipSync('a,b\n'), /a text file, packed with gzip/],
  ['rec.hea', '# comment\nrec 1 250 100\n', /a WFDB header/],
  ['table.csv', 'I,II\n0       ,1\n', /a text file/],
  ['zero.csv', '0       ,1\n2,3\n', /a text file/],
  ['latin.csv', Buffer.from('Zeit;\xb5V\n', 'latin1'), /a text file/],
  ['x.json', '{"a":1}', /a JSON file/],
  ['x.png', Buffer.from('\x89PNG', 'latin1'), /a picture/],
  ['x.xls', Buffer.from('d0cf11e0a1b11ae1', 'hex'), /Microsoft Office/],
  ['empty', '', /an empty file/],
  ['noise.bin', Buffer.from('0001020304050607', 'hex'), /unknown kind, which begin with 0001020304050607/],
])('%s', (name, content, words) => {
  writeFileSync(at(name), content);
  expect(fileKind(at(name)).words).toMatch(words);
  rmSync(at(name));
});

test('describes folders, pipes and missing files too, and does not open a file that would block', () => {
  mkdirSync(at('folder'));
  spawnSync('mkfifo', [at('pipe')]);
  expect(fileKind(at('folder')).id).toBe('folder');
  expect(fileKind(at('pipe')).id).toBe('device');
  expect(fileKind(at('none')).words).toBe('not readable (ENOENT)');
});

test('recognises a signal file by the header beside it that names it', () => {
  writeFileSync(at('r.hea'), 'r 1 250 4\nr.dat 16 1000 16 0 0 0 0 I\n');
  writeFileSync(at('r.dat'), Buffer.alloc(8));
  writeFileSync(at('r.csv'), 'I\n1\n');
  expect(fileKind(at('r.dat'))).toMatchObject({ id: 'wfdb-signal', words: expect.stringContaining('r.hea') });
  expect(fileKind(at('r.csv')).id).toBe('text');
  expect(namesSignalFile(at('none.hea'), 'r.dat')).toBe(false);
});
