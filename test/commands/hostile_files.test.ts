import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { run as compare } from '../../src/commands/compare.ts';
import { run as reproduce } from '../../src/commands/reproduce.ts';
import { runPython } from '../python.ts';
import { root } from '../shared_data.ts';

// Files that run a command, or read another file, when Python's libraries open them: whoever does so makes the canary.
const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
const canary = join(folder, 'canary');
const hostile = join(folder, 'files');
const data = join(folder, 'data');
let said = '';

beforeAll(async () => {
  mkdirSync(hostile);
  await runPython([join(root, 'test/fixtures/hostile/hostile.py'), hostile, canary]);
  const hdf5 = join(root, 'test/fixtures/hdf5/hostile');
  for (const name of readdirSync(hdf5)) cpSync(join(hdf5, name), join(hostile, name.replace(/\.h5$/, '.weights.h5')));
  for (const name of readdirSync(hostile).filter((file) => file.endsWith('ped'))) {
    const form = name.endsWith('-unzipped') ? 'unzipped' : 'zipped';
    cpSync(join(hostile, name), join(data, 'icentia11k', form, name), { recursive: true });
    cpSync(join(hostile, name), join(data, 'icentia11k', form), { recursive: true });
  }
  mkdirSync(join(data, 'cinc2017'));
  writeFileSync(join(data, 'cinc2017', 'RECORDS'), 'A00001\n');
  mkdirSync(join(data, 'ptbxl'));
  const code = `"__import__('os').system('touch ${canary}')"`;
  writeFileSync(
    join(data, 'ptbxl', 'ptbxl_database.csv'),
    `ecg_id,patient_id,scp_codes,strat_fold,filename_lr,filename_hr\n1,1,${code},1,/etc/hostname,/etc/hostname\n`,
  );
  writeFileSync(join(data, 'ptbxl', 'scp_statements.csv'), ',description,diagnostic,form,rhythm\nSR,sinus,,,1\n');
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
});

afterEach(() => {
  expect(existsSync(canary)).toBe(false);
  said = '';
});

afterAll(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

describe('reproduce', () => {
  it('refuses weights that are no plain file of numbers, before anything starts', async () => {
    const files = readdirSync(hostile).filter((name) => /\.(pkl|weights\.h5|tar\.gz)$/.test(name));
    expect(files.length).toBeGreaterThan(120);
    const jobDir = join(folder, 'job');
    for (const name of files) {
      said = '';
      const options = ['--weights-file', join(hostile, name), '--data', data, '--job-dir', jobDir];
      expect(await reproduce(['--profile', 'transfer', ...options]), name).toBe(2);
      expect(said, name).toContain(name);
    }
    expect(existsSync(jobDir)).toBe(false);
  });
});

describe('compare', () => {
  it('runs nothing that lies among the recordings', async () => {
    const jobDir = join(folder, 'compare');
    const cases = ['--suite', 'sampling,preprocessing', '--data-set', 'icentia11k,ptbxl', '--quick'];
    expect(await compare([...cases, '--data', data, '--job-dir', jobDir])).not.toBe(0);
    const report = JSON.parse(readFileSync(join(jobDir, 'report.json'), 'utf8'));
    // Pickles are no form of the published data: they are not looked at. A literal of the table is read and refused.
    expect(JSON.stringify(report)).toMatch(/no patients found/);
    expect(JSON.stringify(report)).toMatch(/__import__ is not a literal/);
  }, 300_000);
});
