import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeData } from '../../src/synthetic/make_data.ts';
import { python, root } from '../shared_data.ts';
import { install } from './pack.ts';

/** The examples of a document, in its order. */
const examplesOf = (document: string): string[] =>
  [...readFileSync(join(root, 'docs', document), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
const examples = [...examplesOf('api.md'), ...examplesOf('graph.md')];

/** What each example prints. */
const printed: readonly RegExp[] = [
  /^24 recordings, 1024 samples, 1 lead, classes ([ANO~] ){2,3}[ANO~]\n$/,
  /^physionet_train\.pkl 8\n$/,
  /^\d+\.\d+ \[ 8, [34] \]\n$/,
  /^\[ 'data\/cinc2017\/A00001', 'data\/cinc2017\/A00002' \] \[ \[ '[ANO~]' \], \[ '[ANO~]' \] \] \[ 2, [34] \]\n$/,
  /^macro F1 [01](\.\d+)?, 95 % interval [01](\.\d+)? to [01](\.\d+)?\n$/,
  /^\[ 2, 512 \]\n$/,
  /^(\[ 512, 1 \] [0-5]\n){4}$/,
  /^accuracy (0\.9\d*|1)\n$/,
];

/** The examples of docs/api.md and docs/graph.md, as a project in `folder` runs them that has the packed tarball installed. */
export function describeExamples(folder: string, tarball: () => string): void {
  const project = join(folder, 'examples');
  const made = join(folder, 'made');

  describe('the examples of docs/api.md and docs/graph.md', () => {
    beforeAll(async () => {
      install(tarball(), project);
      writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
      const sets = await makeData({
        target: made,
        sets: ['challenge17', 'icentia'],
        records: 24,
        seconds: 9,
        patients: 2,
        segments: 2,
        samples: 6000,
        forms: ['unzipped'],
      });
      mkdirSync(join(project, 'data'));
      renameSync(sets.challenge17!, join(project, 'data', 'cinc2017'));
      renameSync(join(sets.icentia!, 'unzipped'), join(project, 'data', 'icentia11k_unzipped'));
    }, 180_000);

    it('have an expectation each', () => {
      expect(examples.length).toBe(printed.length);
    });

    it.each(printed.map((expected, i) => [i + 1, expected] as const))(
      'number %i runs with plain node',
      async (number, expected) => {
        const file = `example${number}.js`;
        writeFileSync(join(project, file), examples[number - 1]);
        const { stdout } = await promisify(execFile)(process.execPath, [file], {
          cwd: project,
          env: {
            ...process.env,
            ECG_PYTHON: python,
            TF_NUM_INTRAOP_THREADS: '1',
            TF_CPP_MIN_LOG_LEVEL: '2',
            NO_COLOR: '1',
          },
        });
        expect(stdout).toMatch(expected);
      },
      120_000,
    );

    it('have the right types, as programs in TypeScript', async () => {
      for (const [i, code] of examples.entries()) writeFileSync(join(project, `typed${i + 1}.ts`), code);
      const config = {
        compilerOptions: {
          target: 'es2022',
          lib: ['es2023'],
          module: 'nodenext',
          types: ['node'],
          strict: true,
          noEmit: true,
          skipLibCheck: false,
        },
        include: ['typed*.ts'],
      };
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
      const compile = (): Promise<{ readonly stdout: string }> => {
        const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
        return promisify(execFile)(process.execPath, [compiler, '--project', project]).catch((error) => error);
      };
      expect((await compile()).stdout).toBe('');
      // A wrong program does fail.
      writeFileSync(join(project, 'typed-wrong.ts'), examples[0].replace("'data/cinc2017'", '17'));
      expect((await compile()).stdout).toMatch(/typed-wrong\.ts.*TS2345/);
    }, 120_000);
  });
}
