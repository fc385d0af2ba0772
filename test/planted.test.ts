import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseResampler } from '../src/lib/samplerate/resample.ts';
import { python, root } from './shared_data.ts';

/** What somebody else has left where the user stands: every file writes its name to `mark` when it is run. */
const base = mkdtempSync(join(tmpdir(), 'planted-'));
const folder = join(base, 'parent', 'work');
const mark = join(base, 'executed');
const bin = join(root, 'bin', 'ecg-transplant.mjs');

const pythonModules = [
  ...[
    'json',
    'numpy',
    'keras',
    'wfdb',
    'sitecustomize',
    'usercustomize',
    'runpy',
    'socket',
    'Bridge',
    'interface',
    'proxy',
  ],
  ...['venv', 'pip', 'pytest', 'ast', 're', 'h5py', 'importlib', 'finetuning', 'transplant', 'ecg_probe'],
];
const pythonPackages = ['samplerate', 'tensorflow'];
const userSite = join(base, 'user', 'lib', 'python3.11', 'site-packages');

function put(file: string, text: string): void {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
}

const { dependencies: table } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: object;
};
const dependencies = [...Object.keys(table), 'esbuild'];

function plantPython(where: string): void {
  const text = `with open(${JSON.stringify(mark)}, 'a') as file:\n    file.write(__file__ + '\\n')\n`;
  for (const name of pythonModules) put(join(where, `${name}.py`), text);
  for (const name of pythonPackages) put(join(where, name, '__init__.py'), text);
}

/** ES modules or CommonJS. */
const javascript = (name: string, kind: 'esm' | 'cjs'): string =>
  `${kind === 'esm' ? "import { appendFileSync } from 'node:fs'" : "const { appendFileSync } = require('node:fs')"};\nappendFileSync(${JSON.stringify(mark)}, ${JSON.stringify(`${name}\n`)});\n`;

function plantNode(where: string): void {
  for (const name of dependencies) {
    put(join(where, 'node_modules', name, 'package.json'), '{ "main": "index.js" }');
    put(join(where, 'node_modules', name, 'index.js'), javascript(name, 'cjs'));
  }
  put(join(where, 'evil.ts'), `${javascript('evil.ts', 'esm')}export const SingleBar = undefined;\n`);
  const paths = Object.fromEntries(dependencies.map((name) => [name, ['./evil.ts']]));
  put(join(where, 'tsconfig.json'), JSON.stringify({ compilerOptions: { baseUrl: '.', paths } }));
  put(join(where, 'package.json'), '{ "type": "commonjs", "imports": { "#*": "./evil.ts" } }');
  for (const name of ['.env', 'matplotlibrc', '.npmrc']) put(join(where, name), '');
}

const environment: NodeJS.ProcessEnv = {
  ...process.env,
  CI: '1',
  TF_NUM_INTRAOP_THREADS: '1',
  PYTHONPATH: folder,
  PYTHONHOME: folder,
  PYTHONSTARTUP: join(folder, 'json.py'),
  PYTHONUSERBASE: join(base, 'user'),
  TMPDIR: join(base, 'tmp'),
};

function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...environment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Runs a command to its end; nothing that was planted may have run. */
async function command(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { code, output } = await run(process.execPath, [bin, ...args], env);
  expect([args.join(' '), code, output]).toEqual([args.join(' '), 0, expect.any(String)]);
  expect(executed()).toEqual([]);
  return output;
}

function executed(): string[] {
  return existsSync(mark) ? readFileSync(mark, 'utf8').trim().split('\n') : [];
}

/** Folders of compiled code among the temporary files. */
function compiledCode(): string[] {
  return readdirSync(join(base, 'tmp')).filter((name) => name.startsWith('tsx-'));
}

beforeAll(() => {
  for (const where of [folder, userSite]) plantPython(where);
  for (const where of [folder, join(base, 'parent')]) plantNode(where);
  const rows = ['record,labels'];
  for (let record = 1; record <= 6; record++) {
    const samples = Array.from(
      { length: 720 },
      (_, i) => Math.sin((i * (1 + (record % 2))) / 9) + Math.sin(i * i + record) / 9,
    );
    put(join(folder, 'mine', `r${record}.csv`), `I\n${samples.map((value) => value.toFixed(4)).join('\n')}\n`);
    rows.push(`r${record},${record % 2 ? 'AF' : 'N'}`);
  }
  put(join(folder, 'mine', 'labels.csv'), `${rows.join('\n')}\n`);
  mkdirSync(join(base, 'tmp'));
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('what is planted', () => {
  it('runs where nothing holds it off', async () => {
    await run(python, ['-c', 'import json, samplerate'], { PYTHONHOME: '' });
    const loader = new URL('../node_modules/tsx/dist/loader.mjs', import.meta.url).href;
    await run(process.execPath, ['--import', loader, '--input-type=module', '-e', "import 'valibot'"]);
    const names = executed().map((path) => path.replace(`${folder}/`, ''));
    expect(names).toEqual(expect.arrayContaining(['json.py', 'samplerate/__init__.py', 'sitecustomize.py', 'evil.ts']));
    rmSync(mark);
    // tsx would take compiled code from here, whoever made the folder.
    expect(compiledCode()).not.toEqual([]);
    for (const name of compiledCode()) rmSync(join(base, 'tmp', name), { recursive: true });
  });
});

describe('in a folder with planted files, none of them runs in', () => {
  it('prepare-data, finetune, predict', async () => {
    const prepare = [
      'prepare-data',
      '--format',
      'wfdb-csv',
      '--source',
      'mine',
      '--target',
      'data',
      '--record-fs',
      '360',
    ];
    await command([...prepare, '--pad', '512', '--test-size', '2', '--seed', '1']);
    expect(readdirSync(join(folder, 'data')).filter((name) => name.endsWith('.pkl')).length).toBe(2);
    const train = readdirSync(join(folder, 'data')).find((name) => name.endsWith('_train.pkl'))!;
    await command([
      'finetune',
      '--job-dir',
      'job',
      '--train',
      `data/${train}`,
      '--epochs',
      '1',
      '--batch-size',
      '2',
      '--seed',
      '1',
    ]);
    const predicted = await command(['predict', '--job-dir', 'job', '--record-fs', '360', 'mine/r1.csv']);
    expect(predicted).toMatch(/^record_name,prob_AF,prob_N/m);
  }, 240_000);

  it('compare, with the original in a folder of the user and a Python that the user names', async () => {
    cpSync(join(root, 'original', 'transplant'), join(base, 'checkout', 'transplant'), { recursive: true });
    for (const name of ['finetuning', 'pretraining'])
      symlinkSync(join(root, 'original', name), join(base, 'checkout', name));
    // A wrapper, by a path from the working folder.
    writeFileSync(join(folder, 'my-python'), `#!/bin/sh\nexec ${JSON.stringify(python)} "$@"\n`);
    chmodSync(join(folder, 'my-python'), 0o755);
    const choice = ['--suite', 'metrics', '--case', 'hard inputs', '--job-dir', 'comparison'];
    const output = await command(['compare', ...choice, '--original', '../../checkout'], { ECG_PYTHON: './my-python' });
    expect(output).toContain('PASSED');
  }, 240_000);

  it('compare, where the original on tf_keras runs in a process of its own', async () => {
    const list = await command(['compare', '--list', '--suite', 'weights']);
    const name = /\| weights +\| ([^|]*checkpoints[^|]*?) +\| quick/.exec(list)?.[1];
    expect(name).toBeDefined();
    const output = await command(['compare', '--suite', 'weights', '--case', name!, '--job-dir', 'comparison']);
    expect(output).toContain('PASSED');
  }, 240_000);

  it('doctor', async () => {
    const { checks } = JSON.parse((await command(['doctor', '--json'])).replace(/^[^{]*/, ''));
    expect(checks).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'one library', status: 'ok' })]));
  }, 240_000);

  it('reproduce, its first step', async () => {
    await command(['reproduce', '--profile', 'smallest', '--only', 'doctor', '--job-dir', 'run']);
  }, 240_000);

  it('bench', async () => {
    await command(['bench', '--quick', '--rounds', '1', '--rows', 'metrics,transfer-to']);
  }, 240_000);

  it('set-up, as far as it looks at interpreters', async () => {
    const program = `const { probePython } = await import(${JSON.stringify(join(root, 'src/setup/python.mjs'))});
console.log(JSON.stringify(probePython(${JSON.stringify(python)})));`;
    const { output } = await run(process.execPath, ['--input-type=module', '-e', program]);
    expect(JSON.parse(output).version).toMatch(/^3\./);
    expect(executed()).toEqual([]);
  });
});

it('nothing looks for compiled code in the folder for temporary files', () => {
  expect(compiledCode()).toEqual([]);
});

describe('isolated', () => {
  it('the samplerate of the environment is found, not one of the working folder or of PYTHONPATH', async () => {
    const before = process.cwd();
    process.chdir(folder);
    process.env.PYTHONPATH = folder;
    try {
      const choice = await chooseResampler({ python });
      expect(choice).not.toBe('javascript');
      expect(JSON.stringify(choice)).not.toContain(base);
    } finally {
      delete process.env.PYTHONPATH;
      process.chdir(before);
    }
    expect(executed()).toEqual([]);
  });

  const others = ['python3.9', 'python3.10', 'python3.12'].filter((name) => {
    try {
      return execFileSync(name, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] }).length > 0;
    } catch {
      return false;
    }
  });
  it.each(others)('the same arguments hold %s off', async (name) => {
    const { isolated, isolatedEnvironment, isolatedModule } = await import('../src/lib/python/isolated.mjs');
    const ours = join(base, 'ours');
    put(join(ours, 'ours.py'), 'import json, sys\nprint(json.dumps(sys.argv[1:]))\n');
    const options = { cwd: folder, env: isolatedEnvironment(environment), encoding: 'utf8' } as const;
    expect(execFileSync(name, isolatedModule(ours, 'ours', ['a', 'b']), options)).toBe('["a", "b"]\n');
    expect(execFileSync(name, isolated('-c', 'import json, socket; print(1)'), options)).toBe('1\n');
    expect(executed()).toEqual([]);
  });
});
