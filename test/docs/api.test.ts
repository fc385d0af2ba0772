import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeData } from '../../src/synthetic/make_data.ts';
import { root } from '../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'api-'));
const text = readFileSync(join(root, 'docs', 'api.md'), 'utf8');
const examples = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);

/** What each example prints, in the order of the document. */
const printed: readonly RegExp[] = [
  /^24 recordings, 1024 samples, 1 lead, classes ([ANO~] ){2,3}[ANO~]\n$/,
  /^physionet_train\.pkl 8\n$/,
  /^\d+\.\d+ \[ 8, [34] \]\n$/,
  /^\[ 'data\/cinc2017\/A00001', 'data\/cinc2017\/A00002' \] \[ \[ '[ANO~]' \], \[ '[ANO~]' \] \] \[ 2, [34] \]\n$/,
  /^macro F1 [01](\.\d+)?, 95 % interval [01](\.\d+)? to [01](\.\d+)?\n$/,
  /^\[ 2, 512 \]\n$/,
  /^(\[ 512, 1 \] [0-5]\n){4}$/,
];

/** A program of a user: the package is a dependency, not the folder that it lies in. */
beforeAll(async () => {
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules', 'ecg-transplant'));
  symlinkSync(join(root, 'node_modules', '@types', 'node'), join(folder, 'node_modules', '@types', 'node'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const [i, code] of examples.entries()) writeFileSync(join(folder, `example${i}.ts`), code);
  const made = await makeData({
    target: join(folder, 'made'),
    sets: ['challenge17', 'icentia'],
    records: 24,
    seconds: 9,
    patients: 2,
    segments: 2,
    samples: 6000,
    forms: ['unzipped'],
  });
  mkdirSync(join(folder, 'data'));
  renameSync(made.challenge17!, join(folder, 'data', 'cinc2017'));
  renameSync(join(made.icentia!, 'unzipped'), join(folder, 'data', 'icentia11k_unzipped'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('docs/api.md', () => {
  it('has an expectation for every example', () => {
    expect(examples.length).toBe(printed.length);
  });

  it('its examples have the right types', async () => {
    const config = {
      compilerOptions: {
        target: 'es2022',
        lib: ['es2023'],
        module: 'nodenext',
        strict: true,
        noEmit: true,
        types: ['node'],
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        noUnusedLocals: true,
      },
      include: ['*.ts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout } = await promisify(execFile)(process.execPath, [compiler, '--project', folder]).catch(
      (error) => error,
    );
    expect(stdout.split('\n').filter((line: string) => line.includes('example'))).toEqual([]);
    // A wrong program is found out: the check above does look.
    writeFileSync(join(folder, 'example-wrong.ts'), examples[0].replace("'data/cinc2017'", '17'));
    const wrong = await promisify(execFile)(process.execPath, [compiler, '--project', folder]).catch((error) => error);
    rmSync(join(folder, 'example-wrong.ts'));
    expect(wrong.stdout).toMatch(/example-wrong\.ts.*TS2345/);
  }, 120_000);

  it.each(printed.map((expected, i) => [i + 1, expected] as const))(
    'example %i runs',
    async (number, expected) => {
      const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'esm', 'index.mjs')).href;
      const env = { ...process.env, TF_NUM_INTRAOP_THREADS: '1', TF_CPP_MIN_LOG_LEVEL: '2', NO_COLOR: '1' };
      const run = promisify(execFile)(process.execPath, ['--import', tsx, `example${number - 1}.ts`], {
        cwd: folder,
        env,
      });
      expect((await run).stdout).toMatch(expected);
    },
    120_000,
  );
});
