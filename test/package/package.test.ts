/** The tarball that `npm run package` makes. */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from '@babel/parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { python, root } from '../shared_data.ts';
import { describeExamples } from './examples.ts';
import { install, type Packed, pack } from './pack.ts';

const folder = mkdtempSync(join(tmpdir(), 'package-'));
const project = join(folder, 'project');
let packed: Packed;
let installed: string;

const env = { ...process.env, ECG_PYTHON: python, CI: '1', TF_NUM_INTRAOP_THREADS: '1', TF_CPP_MIN_LOG_LEVEL: '2' };

/** Runs Node in the project; resolves to what it prints and its exit code. */
async function node(...args: readonly string[]): Promise<{ code: number; output: string }> {
  const ended = promisify(execFile)(process.execPath, [...args], { cwd: project, env });
  return ended.then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code, output: stdout + stderr }),
  );
}

const command = (...args: readonly string[]): ReturnType<typeof node> =>
  node(join(installed, 'bin', 'ecg-transplant.mjs'), ...args);

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
}
const { exports, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const entries = Object.entries(exports).flatMap(([name, target]) =>
  typeof target === 'string' ? [] : [{ name: join('ecg-transplant', name), ...target }],
);

/** Files of the installed package below `dist` with an ending, with their texts. */
function distFiles(ending: string): { readonly file: string; readonly text: string }[] {
  return readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => ({ file, text: readFileSync(join(installed, 'dist', file), 'utf8') }));
}

/** Every file and folder below a folder, with the time of its last change. */
const contents = (below: string): string[] =>
  readdirSync(below, { recursive: true, encoding: 'utf8' }).map(
    (path) => `${path} ${statSync(join(below, path)).mtimeMs}`,
  );

beforeAll(() => {
  packed = pack(folder, (clone) => {
    // What work leaves behind must not be packed.
    for (const file of [
      'dist/stale.js',
      'src/bridge/__pycache__/probe.cpython-311.pyc',
      'src/.ruff_cache/0.1/x',
      'original/transplant/__pycache__/utils.cpython-311.pyc',
      'original/upstream/transplant/utils.py',
      'docs/reference/index.html',
      'jobs/mine/events.jsonl',
      'data/mine_train.pkl',
      '.setup/setup.log',
      'sbom/npm.cdx.json',
    ]) {
      mkdirSync(join(clone, file, '..'), { recursive: true });
      writeFileSync(join(clone, file), 'left behind');
    }
  });
  installed = install(join(folder, packed.filename), project);
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the tarball', () => {
  it('holds what is compiled, the original, docs and nothing that work leaves behind', () => {
    const paths = packed.files.map(({ path }) => path);
    expect([...new Set(paths.map((path) => path.split('/')[0]))].sort()).toEqual([
      ...['CITATION.cff', 'LICENSE', 'README.md', 'SECURITY.md', 'bin', 'data', 'dist', 'docs', 'examples', 'jobs'],
      'original',
      'package.json',
    ]);
    expect(paths).toEqual(expect.arrayContaining(['dist/bridge/probe.py', 'dist/page/page.css']));
    const surplus =
      /stale|__pycache__|_cache\/|\.pyc$|upstream\/|original\/tests|docs\/reference|jobs\/mine|\.pkl$|(?<!\.d)\.ts$|typescript(_hooks)?\.mjs|sabotage\//;
    expect(paths.filter((path) => surplus.test(path))).toEqual([]);
    expect(packed.size).toBeLessThan(3_000_000);
  });

  it('names no folder of this machine', () => {
    const places = [root, folder, process.env.HOME].filter((place) => place !== undefined && place.length > 5);
    for (const { path } of packed.files) {
      const text = readFileSync(join(installed, path), 'latin1');
      expect(
        places.filter((place) => text.includes(String(place))),
        path,
      ).toEqual([]);
    }
  });

  it('has a source map with its source for every module', () => {
    for (const { file, text } of distFiles('.js')) {
      const map = JSON.parse(readFileSync(join(installed, 'dist', `${file}.map`), 'utf8'));
      expect(text).toContain(`//# sourceMappingURL=${file.split('/').at(-1)}.map`);
      expect(map.sourcesContent[0].length, file).toBeGreaterThan(0);
    }
  });

  it('imports only packages that it depends on', () => {
    const names = distFiles('js').flatMap(({ text }) =>
      [
        ...text.matchAll(
          /(?:from |import\(|import |require\(|resolve\()["']((?:@[^/"']+\/)?[a-z][^/"':]*)(?:\/[^"']*)?["']/g,
        ),
      ].map(([, name]) => name),
    );
    expect(new Set(names).size).toBeGreaterThan(10);
    expect([...new Set(names)].filter((name) => !(name in dependencies))).toEqual([]);
  });

  it('imports no module of its own for its effects alone, so sideEffects is false', () => {
    for (const { file, text } of distFiles('js')) {
      const effects = parse(text, { sourceType: 'module' }).program.body.filter(
        (node) => node.type === 'ImportDeclaration' && node.specifiers.length === 0,
      );
      expect([file, effects]).toEqual([file, []]);
    }
  });
});

describe('exports', () => {
  it('has every module of the original', () => {
    const modules = readdirSync(join(root, 'original'), { recursive: true, encoding: 'utf8' })
      .filter((file) => /^(transplant|finetuning|pretraining)\/.*(?<!__init__)\.py$/.test(file))
      .map((file) => `./${file.replace(/\.py$/, '')}`);
    expect(modules.length).toBeGreaterThan(15);
    expect(Object.keys(exports)).toEqual(expect.arrayContaining(modules));
    for (const module of modules) {
      expect(exports[module]).toEqual({
        types: `./dist/port/${module.slice(2)}.d.ts`,
        default: `./dist/port/${module.slice(2)}.js`,
      });
    }
  });

  it('has files behind every name, and plain Node loads them', async () => {
    for (const { types, default: file } of entries) {
      expect(existsSync(join(installed, types)), types).toBe(true);
      expect(existsSync(join(installed, file)), file).toBe(true);
    }
    const program = `for (const name of ${JSON.stringify(entries.map(({ name }) => name))}) {
  const module = await import(name);
  if (Object.keys(module).length === 0) throw new Error(name + ' is empty');
}
console.log('all loaded');`;
    expect(await node('--input-type=module', '-e', program)).toEqual({ code: 0, output: 'all loaded\n' });
  });

  it.each(['dist/cli.js', 'jobs/job', 'lib/numpy/ndarray', 'transplant/datasets/icentia11k/files', 'bridge/session'])(
    'keeps %s to itself',
    async (name) => {
      const { output } = await node('--input-type=module', '-e', `await import('ecg-transplant/${name}')`);
      expect(output).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
    },
  );
});

describe('the types', () => {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

  const compile = (resolution: string): ReturnType<typeof node> => {
    const config = {
      compilerOptions: {
        target: 'es2022',
        lib: ['es2023'],
        module: resolution === 'bundler' ? 'esnext' : resolution,
        moduleResolution: resolution,
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        noEmit: true,
      },
      files: ['program.ts'],
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
    return node(compiler, '--project', project);
  };

  it.each(['nodenext', 'bundler'])(
    'are right in a strict project with %s and without skipLibCheck',
    async (resolution) => {
      const imports = entries.map(({ name }, i) => `import * as module${i} from '${name}';`);
      const all = `export const all = [${entries.map((_, i) => `module${i}`).join(', ')}];`;
      writeFileSync(join(project, 'program.ts'), [...imports, all].join('\n'));
      expect(await compile(resolution)).toEqual({ code: 0, output: '' });
      writeFileSync(
        join(project, 'program.ts'),
        "import { ndarray } from 'ecg-transplant/numpy';\nndarray('float32', '3', new Float32Array(3));\n",
      );
      expect((await compile(resolution)).output).toMatch(/program\.ts\(2,20\): error TS2345/);
    },
  );

  it('have no any, and nothing that TypeScript 5.4 does not know', () => {
    const files = distFiles('.d.ts');
    expect(files.length).toBeGreaterThan(entries.length);
    for (const { file, text } of files) {
      const { comments = [] } = parse(text, { sourceType: 'module', plugins: [['typescript', { dts: true }]] });
      let code = text;
      for (const { start = 0, end = 0 } of [...(comments ?? [])].reverse()) {
        code = code.slice(0, start ?? 0) + code.slice(end ?? 0);
      }
      code = code.replace(/(["'])(?:(?!\1).)*\1/g, "''");
      expect([file, code.match(/\bany\b|\b(?:Buffer|\w+Array)<ArrayBuffer(?:Like)?>/g)]).toEqual([file, null]);
    }
  });
});

describe('the command of the installed package', () => {
  it('runs without tsx: help, version, wrong words', async () => {
    expect(existsSync(join(project, 'node_modules', 'tsx'))).toBe(false);
    expect(await command('--help')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^usage: ecg-transplant <command>/),
    });
    expect(await command('--version')).toEqual({ code: 0, output: '0.1.0\n' });
    expect(await command('nonsense')).toMatchObject({ code: 2 });
  });

  it('says that sabotage needs a clone', async () => {
    const { code, output } = await command('compare', '--sabotage');
    expect(output).toContain('In a clone: npm run compare -- --sabotage');
    expect(code).toBe(2);
  });

  it('makes data, prepares, trains, predicts, compares, with its threads and Python, and writes nothing into the package', async () => {
    const before = contents(installed);
    const done = async (line: string): Promise<string> => {
      const { code, output } = await command(...line.split(' '));
      expect([line, code, output]).toEqual([line, 0, expect.any(String)]);
      return output;
    };
    await done(
      'make-data --target made --sets challenge17,icentia --records 24 --seconds 9 --patients 2 --samples 6000',
    );
    await done(
      'prepare-data --format challenge17 --source made/challenge17 --target data --pad 512 --test-size 8 --seed 1',
    );
    const sets = '--train data/physionet_train.pkl --test data/physionet_test.pkl';
    await done(`finetune --job-dir job ${sets} --epochs 1 --batch-size 4 --seed 1`);
    expect(await done('predict --job-dir job made/challenge17/A00001')).toMatch(/^record_name,/m);
    expect(await done('inspect job')).toContain('resnet18');
    const frames = '--frame-size 512 --samples-per-patient 4 --batch-size 4 --steps-per-epoch 2';
    await done(
      `pretrain --job-dir beat --task beat --train made/icentia/unzipped --unzipped --patients 0-1 ${frames} --seed 1`,
    );
    await done('compare --suite metrics --quick');
    // By default a report goes where the user stands.
    expect(existsSync(join(project, 'jobs', 'compare', 'report.html'))).toBe(true);
    await done('bench --quick --rounds 1 --rows metrics,transfer-to');
    expect(contents(installed)).toEqual(before);
  }, 300_000);
});

describeExamples(folder, () => join(folder, packed.filename));
