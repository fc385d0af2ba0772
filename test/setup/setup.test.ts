/** scripts/setup.mjs with fake tools: every fault gives its sentence and exit code, and a later set-up mends it. */
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ended, FakeProject } from './fake_project.ts';

let project: FakeProject;
beforeEach(() => {
  project = new FakeProject();
});
afterEach(() => project.remove());

/** Where the fake uv and pip put packages. */
const site = '.venv/lib/python3.11/site-packages';

describe('set-up', () => {
  test('runs three stages once; a second run starts no program', async () => {
    const first = await project.setUp();
    expect(first.output).toMatch(/npm packages: .*\n(.*\n)*npm packages: .* \(\d+\.\d s\)\n/);
    expect(first.output).toContain('Python environment: 3 packages in .venv');
    expect(first.output).toContain('Node binding: compiled for TensorFlow 2.16.1, Node-API 8');
    expect(first.code).toBe(0);
    expect(await project.setUp()).toMatchObject({ code: 0, output: expect.stringMatching(/^Ready\. .*\n$/) });
    expect(['npm', 'venv', 'uv', 'pip', 'gyp'].map((tool) => project.runs(tool))).toEqual([1, 1, 1, 0, 1]);
  });

  test('installs the locked packages with hashes, wheels only, compiled, and leaves nothing of uv', async () => {
    await project.setUp();
    const text = project.read('uv.arguments');
    expect(text).toContain('--require-hashes --only-binary :all:');
    expect(text).toContain('--compile-bytecode');
    expect(text).toContain(project.path('original', 'requirements.lock'));
    expect(readdirSync(project.path('.setup'))).toEqual(['setup.log']);
  });

  test('takes a wheel folder if asked', async () => {
    await project.setUp({}, ['--wheelhouse', '/wheels']);
    const text = project.read('pip.arguments');
    expect(text).toContain('--require-hashes --only-binary :all:');
    expect(text).toContain('--no-index --find-links /wheels');
    expect(text).toContain(project.path('original', 'requirements.lock'));
    expect(project.runs('uv')).toBe(0);
  });

  test('needs no compiler, Python or npm once everything is there', async () => {
    await project.setUp();
    for (const tool of ['npm', 'python3.11', 'g++', 'make']) project.removeTool(tool);
    expect(await project.setUp()).toMatchObject({ code: 0 });
  });

  test('a wrong option ends with 2', async () => {
    expect(await project.setUp({}, ['--wheels'])).toMatchObject({
      code: 2,
      output: expect.stringContaining('--wheels'),
    });
  });
});

describe('the environment of bench --peers', () => {
  test('is made once, beside the other one, from its own lock; its size is said before', async () => {
    const { output } = await project.setUpPeers();
    expect(output).toMatch(
      /^Python environment of the bench: there is none yet; Python 3\.11\.7, downloads 3 GB: PyTorch/,
    );
    expect(output).toContain('packages in .venv-peers');
    const text = project.read('uv.arguments');
    expect(text).toContain('--require-hashes --only-binary :all:');
    expect(text).toContain(project.path('src', 'bench', 'peers.lock'));
    expect(await project.setUpPeers()).toMatchObject({ output: '' });
    expect(['venv', 'uv', 'pip', 'npm'].map((tool) => project.runs(tool))).toEqual([1, 1, 0, 0]);
  });

  test('without a network, says how to bring the packages along', async () => {
    const { output } = await project.setUpPeers({ FAKE_PIP_ERROR: 'ERROR: NewConnectionError: Failed to establish' });
    expect(output).toContain('PyPI cannot be reached. Next: check the network');
    expect(output).toContain(
      '-r src/bench/peers.lock -d wheels; then here: PIP_NO_INDEX=1 PIP_FIND_LINKS=wheels npm run bench -- --peers',
    );
  });

  test('a Python that PyTorch has no wheel for', async () => {
    const { output } = await project.setUpPeers({ FAKE_PYTHON_VERSION: '3.10.1' });
    expect(output).toContain('python3.11 is 3.10.1, but PyTorch 2.15.0 has no wheel for Python 3.10. Next: install');
  });
});

describe('missing things', () => {
  const cases = [
    { what: 'no npm', tools: ['npm'], says: /npm is not in PATH\. Next: install Node 20/ },
    {
      what: 'no Python',
      tools: ['python3.11'],
      says: /No Python is in PATH\. Next: install Python 3\.11.*apt install python3\.11/,
    },
    {
      what: 'no compiler',
      tools: ['g++'],
      says: /No C\+\+ compiler: g\+\+ is not in PATH\. Next: sudo apt install build-essential/,
    },
    { what: 'no make', tools: ['make'], says: /make is not in PATH\. Next: sudo apt install build-essential/ },
  ];
  test.each(cases)('$what', async ({ tools, says }) => {
    for (const tool of tools) project.removeTool(tool);
    const { code, output } = await project.setUp();
    expect(output).toMatch(says);
    expect(code).toBe(1);
  });

  test('no venv module', async () => {
    const { code, output } = await project.setUp({ FAKE_PYTHON_VENV: '0' });
    expect(output).toContain('it lacks the modules venv and ensurepip. Next: sudo apt install python3.11-venv');
    expect(code).toBe(1);
  });

  test('a Python that TensorFlow has no wheel for', async () => {
    const { code, output } = await project.setUp({ FAKE_PYTHON_VERSION: '3.13.1' });
    expect(output).toContain(
      'python3.11 is 3.13.1, but TensorFlow 2.16.1 has no wheel for Python 3.13. Next: install Python 3.11',
    );
    expect(code).toBe(1);
  });

  test('PYTHON points nowhere', async () => {
    const { code, output } = await ended(project.start({ PYTHON: '/no/such/python' }));
    expect(output).toContain('PYTHON=/no/such/python cannot be run. Next: correct PYTHON');
    expect(code).toBe(1);
  });
});

describe('a pip that fails', () => {
  test.each([
    { text: 'ERROR: NewConnectionError: Failed to establish', says: 'PyPI cannot be reached. Next: check the network' },
    { text: 'OSError: [Errno 28] No space left on device', says: 'The disk is full. Next: free 4 GB' },
    { text: 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES', says: 'does not have the locked hash' },
    {
      text: 'ERROR: No matching distribution found for h5py==3.11.0',
      says: 'pip found no wheel of h5py==3.11.0. Next: fill the wheel folder',
    },
    { text: 'something new', says: 'something new\n Next: read' },
  ])('$text', async ({ text, says }) => {
    const { code, output } = await project.setUp({ FAKE_PIP_ERROR: text });
    expect(output).toContain(says);
    expect(code).toBe(1);
    expect(await project.setUp()).toMatchObject({ code: 0 });
  });
});

describe('pip in place of uv', () => {
  test.each([
    "global.index-url='https://mirror.example/simple'",
    "global.timeout='60'\nsite.extra-index-url='https://mirror.example/simple'",
    ":env:.no-index='1'",
    "global.proxy='http://proxy.example:3128'",
    "install.trusted-host='mirror.example'",
  ])('where pip is told where to look: %s', async (config) => {
    expect((await project.setUp({ FAKE_PIP_CONFIG: config })).code).toBe(0);
    expect([project.runs('uv'), project.runs('pip')]).toEqual([0, 1]);
  });

  test('where there is no uv for the platform', async () => {
    expect((await project.setUp({ FAKE_UV: '0' })).code).toBe(0);
    expect([project.runs('venv'), project.runs('uv'), project.runs('pip')]).toEqual([1, 0, 1]);
  });

  test('where uv fails, in a fresh environment; the output says so', async () => {
    const { code, output } = await project.setUp({ FAKE_UV: '1' });
    expect(output).toContain(
      `Python environment: uv could not install the packages (${project.path('.setup', 'setup.log')} says why); pip goes on\n`,
    );
    expect(code).toBe(0);
    expect(project.read(join(site, 'numpy-1.26.4.dist-info', 'RECORD'))).toBe('pip');
    expect([project.runs('venv'), project.runs('uv'), project.runs('pip')]).toEqual([2, 1, 1]);
    expect(readdirSync(project.path('.setup'))).toEqual(['setup.log']);
  });

  test('not where pip cannot reach PyPI to fetch uv', async () => {
    const { code, output } = await project.setUp({ FAKE_UV: 'ERROR: NewConnectionError: Failed to establish' });
    expect(output).toContain('PyPI cannot be reached. Next: check the network');
    expect(code).toBe(1);
    expect(project.runs('pip')).toBe(0);
  });

  test('but uv where the settings of pip choose nothing of what is installed', async () => {
    const config = "global.timeout='60'\nglobal.cert='/etc/ssl/cert.pem'\n:env:.find-links='/opt/wheels'";
    expect((await project.setUp({ FAKE_PIP_CONFIG: config })).code).toBe(0);
    expect([project.runs('uv'), project.runs('pip')]).toEqual([1, 0]);
  });
});

describe('damage after set-up is named and mended', () => {
  beforeEach(async () => void (await project.setUp()));

  test('a renamed library', async () => {
    renameSync(project.path(site, 'tensorflow', 'libtensorflow_cc.so.2'), project.path(site, 'tensorflow', 'other.so'));
    const { code, output } = await project.setUp();
    expect(output).toContain('Python environment: libtensorflow_cc.so.2 is missing or changed;');
    expect(code).toBe(0);
    expect(existsSync(project.path(site, 'tensorflow', 'libtensorflow_cc.so.2'))).toBe(true);
  });

  test('another numpy', async () => {
    renameSync(project.path(site, 'numpy-1.26.4.dist-info'), project.path(site, 'numpy-2.1.0.dist-info'));
    const { code, output } = await project.setUp();
    expect(output).toContain('Python environment: numpy-1.26.4 is missing or replaced;');
    expect(code).toBe(0);
    expect(existsSync(project.path(site, 'numpy-2.1.0.dist-info'))).toBe(false);
  });

  test('a changed lock file', async () => {
    project.write('original/requirements.lock', 'numpy==1.26.4\n');
    expect((await project.setUp()).output).toContain('Python environment: the lock file has changed;');
    expect(project.runs('uv')).toBe(2);
  });

  test('a binding of another size', async () => {
    writeFileSync(project.path('node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node'), 'short');
    expect((await project.setUp()).output).toContain('Node binding: its file has changed;');
    expect(await project.setUp()).toMatchObject({ code: 0, output: expect.stringMatching(/^Ready/) });
  });

  test('removed packages', async () => {
    rmSync(project.path('node_modules'), { recursive: true });
    expect((await project.setUp()).output).toContain('npm packages: they are not installed;');
    expect(await project.setUp()).toMatchObject({ code: 0, output: expect.stringMatching(/^Ready/) });
  });
});

test('an environment that set-up did not make is refused and left alone', async () => {
  project.write('.venv/pyvenv.cfg', 'mine');
  const { code, output } = await project.setUp();
  expect(output).toMatch(/\.venv was not made by set-up, which never overwrites what it did not make\. Next: mv /);
  expect(code).toBe(1);
  expect(project.read('.venv/pyvenv.cfg')).toBe('mine');
});

test('a folder that cannot be written', async () => {
  await project.setUp();
  rmSync(project.path('.venv'), { recursive: true });
  chmodSync(project.path(), 0o555);
  // Root may write everywhere: it becomes an ordinary user here.
  const uid = process.getuid?.() === 0 ? 65534 : undefined;
  const { code, output } = await ended(project.startAs(uid));
  chmodSync(project.path(), 0o755);
  expect(output).toMatch(/cannot be written by this user\. Next: work in a folder of your own/);
  expect(code).toBe(1);
});

test('a pip that fails stops npm, which runs beside it; the next set-up mends both', async () => {
  const behaviour = { FAKE_SLEEP: 'npm', FAKE_SLEEP_MS: '120000', FAKE_PIP_ERROR: 'something new' };
  const { code, output } = await project.setUp(behaviour);
  expect(output).toContain('something new\n Next: read');
  expect(code).toBe(1);
  expect((await project.setUp()).code).toBe(0);
});

describe('killed in the middle of', () => {
  test.each(['npm', 'venv', 'uv', 'pip', 'gyp'])(
    '%s: the next set-up waits for what still runs, then mends',
    async (tool) => {
      const installer = tool === 'pip' ? { FAKE_UV: '0' } : {};
      const child = project.start({ FAKE_SLEEP: tool, FAKE_SLEEP_MS: '3000', ...installer });
      const killed = ended(child);
      await project.halfWay(tool);
      child.kill('SIGKILL');
      await killed;
      const { code, output } = await project.setUp();
      expect(output).toContain('Waiting for another set-up of this folder.');
      expect(code).toBe(0);
      expect(await project.setUp()).toMatchObject({ code: 0, output: expect.stringMatching(/^Ready/) });
    },
  );
});

test('two at once: one works, the other waits and finds everything done', async () => {
  const first = ended(project.start({ FAKE_SLEEP: 'uv', FAKE_SLEEP_MS: '500' }));
  await project.halfWay('uv');
  const second = await project.setUp();
  expect(await first).toMatchObject({ code: 0 });
  expect(second).toMatchObject({ code: 0 });
  expect(second.output).toBe(
    'Waiting for another set-up of this folder.\nReady. See what both languages run on: npm run doctor\n',
  );
  expect(['npm', 'venv', 'uv', 'gyp'].map((tool) => project.runs(tool))).toEqual([1, 1, 1, 1]);
});
