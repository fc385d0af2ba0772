import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { placeNamed } from '../../src/compare/sabotage/mutants.ts';
import { namedMutants } from '../../src/compare/sabotage/named.ts';
import { copySources, copyWithMutant } from '../../src/compare/sabotage/trees.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { root } from '../shared_data.ts';
import { writeChallenge17, writeChallenge20 } from './collections.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

/** Prepares two collections with the sources of a tree and prints the hash of each file, or the error. */
const program = `
const { prepareData } = await import(process.argv[2]);
const hashes = [];
for (const format of ['challenge17', 'challenge20'])
  try {
    const { files } = await prepareData({ format, source: process.argv[3] + '/' + format, target: process.argv[4] + '/' + format, fs: 240, pad: 600, testSize: 0, threads: 1 });
    hashes.push(files.all.sha256);
  } catch (error) {
    hashes.push(error.message);
  }
console.log(hashes.join('\\n'));
`;

async function prepareWith(tree: string, target: string): Promise<string> {
  const module = pathToFileURL(join(tree, 'src/prepare/prepare_data.ts')).href;
  const args = ['--import', join(root, 'src/lib/typescript.mjs'), at('program.mjs'), module, at('data'), target];
  return (await promisify(execFile)(process.execPath, args)).stdout;
}

/** These are about functions that the command has no use for. */
const elsewhere = ['the unbiased standard deviation (ddof 1)'];
const faults = namedMutants.filter(({ suite, name }) => suite === 'preprocessing' && !elsewhere.includes(name));

const twoHashes = /^([0-9a-f]{64}\n){2}$/;
let clean: string;
beforeAll(async () => {
  // Recordings shorter and longer than the padding, classes out of order, several diagnoses, and twelve leads whose resampled length is a fraction.
  writeChallenge17(at('data', 'challenge17'), { A1: 'O', A2: 'N', A3: 'A', A4: '~' });
  writeChallenge20(at('data', 'challenge20'), { Q1: '426783006,164889003', Q2: '59118001' });
  mkdirSync(at('data'), { recursive: true });
  writeFileSync(at('program.mjs'), program);
  copySources(root, at('base'));
  clean = await prepareWith(at('base'), at('clean'));
});

describe('prepare-data runs the line that a fault of the suite "preprocessing" damages', () => {
  it('without a fault the files are the same again', async () => {
    expect(clean).toMatch(twoHashes);
    expect(await prepareWith(at('base'), at('again'))).toBe(clean);
  });

  it.each(faults)('$name', async (fault) => {
    const tree = at(`tree-${faults.indexOf(fault)}`);
    copyWithMutant(at('base'), tree, placeNamed(join(root, 'src'), fault));
    const damaged = await prepareWith(tree, join(tree, 'out'));
    rmSync(tree, { recursive: true });
    expect(damaged).toMatch(twoHashes);
    expect(damaged).not.toBe(clean);
  });
});
