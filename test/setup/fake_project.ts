/** A project whose npm, Python and node-gyp are small programs that do nothing but leave the files set-up looks for. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { bindingFile, bindingPackage, libraries, sitePackages } from '../../src/setup/environment.mjs';
import { root } from '../shared_data.ts';

/** How a set-up ended. */
export interface Ending {
  readonly code: number | null;
  readonly output: string;
}

/** Settings of the fake tools, passed as variables of the process. */
export interface Behaviour {
  /** Version that the fake `python3.11` reports. */
  readonly FAKE_PYTHON_VERSION?: string;
  /** `0`: the fake Python lacks venv. */
  readonly FAKE_PYTHON_VENV?: '0' | '1';
  /** Text that uv and pip print before they fail to install the lock. */
  readonly FAKE_PIP_ERROR?: string;
  /** `0`: there is no uv for this platform; `1`: uv fails after it has installed a package; any other text: what pip prints before it fails to install uv. */
  readonly FAKE_UV?: string;
  /** What `pip config list` prints. */
  readonly FAKE_PIP_CONFIG?: string;
  /** Tool (`npm`, `venv`, `uv`, `pip`, `gyp`) that stops half-way for `FAKE_SLEEP_MS`, after it has left the file `<tool>-is-half-way`. */
  readonly FAKE_SLEEP?: string;
  readonly FAKE_SLEEP_MS?: string;
}

const packages = ['numpy-1.26.4', 'tensorflow-2.16.1', 'samplerate-0.2.4'];

/** The fake project; `remove()` when done. */
export class FakeProject {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'ecg-transplant-setup-'));
  readonly bin: string = join(this.folder, 'tools');
  readonly root: string = join(this.folder, 'project');

  constructor() {
    const parts = ['scripts/setup.mjs', 'scripts/lib/options.mjs', 'src/setup', 'src/lib/installation.mjs'];
    for (const part of [...parts, 'src/lib/python/isolated.mjs']) {
      cpSync(join(root, part), join(this.root, part), { recursive: true });
    }
    this.write('package.json', '{ "name": "fake", "version": "0.0.0" }');
    const one = { packages: { '': {}, 'node_modules/node-gyp': { version: '1.0.0' } } };
    this.write('package-lock.json', JSON.stringify(one));
    this.write('original/requirements.lock', `${packages.map((name) => name.replace('-', '==')).join('\n')}\n`);
    this.write('original/requirements-cuda.lock', 'never used here\n');
    mkdirSync(this.bin, { recursive: true });
    this.tool('npm', npm);
    this.tool('python3.11', python);
    for (const name of ['g++', 'make']) this.tool(name, '');
  }

  /** Runs set-up to its end. */
  async setUp(behaviour: Behaviour = {}, args: readonly string[] = []): Promise<Ending> {
    return ended(this.start(behaviour, args));
  }

  /** Starts set-up as another user of the machine (only root can). */
  startAs(uid: number | undefined): ChildProcess {
    return this.start({}, [], uid);
  }

  /** Starts set-up. */
  start(
    behaviour: Behaviour | NodeJS.ProcessEnv = {},
    args: readonly string[] = [],
    uid?: number,
    program = 'scripts/setup.mjs',
  ): ChildProcess {
    chmodSync(this.folder, 0o755);
    return spawn(process.execPath, [join(this.root, program), ...args], {
      cwd: this.root,
      uid,
      env: {
        PATH: [this.bin, '/nowhere'].join(delimiter),
        HOME: this.folder,
        TMPDIR: this.folder,
        CI: '1',
        ECG_TRANSPLANT_GPU: '0',
        ...behaviour,
      },
    });
  }

  /** Makes the environment of `bench --peers`, and prints its error. */
  async setUpPeers(behaviour: Behaviour = {}): Promise<Ending> {
    this.write('src/bench/peers.lock', 'torch==2.15.0\n');
    this.write(
      'peers.mjs',
      "import { setUpPeers } from './src/setup/peers.mjs';\nawait setUpPeers().catch((error) => console.log(String(error)));\n",
    );
    return ended(this.start(behaviour, [], undefined, 'peers.mjs'));
  }

  /** Text of a file of the project, or undefined. */
  read(path: string): string | undefined {
    const file = join(this.root, path);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  /** How often a tool ran. */
  runs(tool: string): number {
    return (this.read(`${tool}.runs`) ?? '').length;
  }

  removeTool(name: string): void {
    rmSync(join(this.bin, name));
  }

  /** Resolves once a sleeping tool is half-way. */
  async halfWay(tool: string): Promise<void> {
    for (let waited = 0; this.read(`${tool}-is-half-way`) === undefined; waited += 20) {
      if (waited > 15_000) throw new Error(`${tool} was not reached`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private tool(name: string, body: string): void {
    const file = join(this.bin, name);
    writeFileSync(file, `#!${process.execPath}\n${preamble(this.root)}\n${body}\n`);
    chmodSync(file, 0o755);
  }
}

/** Collects what a started set-up prints until it ends. */
export function ended(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk));
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

function preamble(project: string): string {
  return `
const { appendFileSync, copyFileSync, chmodSync, mkdirSync, symlinkSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const project = ${JSON.stringify(project)};
const put = (file, text) => { mkdirSync(dirname(file), { recursive: true }); writeFileSync(file, text); };
const counted = (tool) => appendFileSync(join(project, tool + '.runs'), '.');
const halfWay = (tool) => {
  if (process.env.FAKE_SLEEP !== tool) return;
  put(join(project, tool + '-is-half-way'), '');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(process.env.FAKE_SLEEP_MS ?? 60000));
};`;
}

/** \`npm ci\`: the packages of the fake lock, node-gyp among them, and the binding's package. */
const npm = `
counted('npm');
const modules = join(project, 'node_modules');
require('node:fs').rmSync(modules, { recursive: true, force: true });
put(join(modules, 'node-gyp', 'package.json'), '{ "name": "node-gyp", "version": "1.0.0" }');
put(join(modules, 'node-gyp', 'bin', 'node-gyp.js'), ${JSON.stringify(gyp())});
halfWay('npm');
put(join(modules, '@tensorflow', 'tfjs-node-gpu', 'package.json'), '{ "name": "@tensorflow/tfjs-node-gpu", "version": "4.22.0" }');
put(join(modules, '.package-lock.json'), JSON.stringify({ packages: { 'node_modules/node-gyp': { version: '1.0.0' } } }));`;

/** The interpreter, and after \`-m venv DIR\` the one of the environment. */
const python = `
const [, first, second, folder] = process.argv.slice(2);
const version = process.env.FAKE_PYTHON_VERSION ?? '3.11.7';
if (first === '-c') {
  const venv = process.env.FAKE_PYTHON_VENV !== '0';
  console.log(JSON.stringify({ version, implementation: 'CPython', executable: __filename, bits: 64, venv }));
} else if (second === 'venv') {
  counted('venv');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  halfWay('venv');
  copyFileSync(__filename, join(folder, 'bin', 'python'));
  chmodSync(join(folder, 'bin', 'python'), 0o755);
} else if (second === 'pip' && folder === 'config') {
  console.log(process.env.FAKE_PIP_CONFIG ?? '');
} else if (second === 'pip' && process.argv.includes('--target')) {
  const { FAKE_UV } = process.env;
  if (FAKE_UV !== undefined && FAKE_UV !== '1') {
    console.error(FAKE_UV === '0' ? 'ERROR: No matching distribution found for uv==0.13.9' : FAKE_UV);
    process.exit(1);
  }
  const program = join(process.argv[process.argv.indexOf('--target') + 1], 'bin', 'uv');
  put(program, ${JSON.stringify(`#!${process.execPath}
${preamble('PROJECT')}
${installer('uv')}`)}.replace('"PROJECT"', JSON.stringify(project)));
  chmodSync(program, 0o755);
} else if (second === 'pip') {
  process.argv.push('--python', __filename);
  ${installer('pip')}
}`;

/** What puts the packages of the fake lock into the environment of the interpreter after `--python`. */
function installer(tool: 'uv' | 'pip'): string {
  return `
  counted('${tool}');
  put(join(project, '${tool}.arguments'), process.argv.slice(2).join(' '));
  if (process.env.FAKE_PIP_ERROR) {
    console.error(process.env.FAKE_PIP_ERROR);
    process.exit(1);
  }
  const site = join(dirname(dirname(process.argv[process.argv.indexOf('--python') + 1])), 'lib', 'python3.11', 'site-packages');
  for (const name of ${JSON.stringify(packages)}) {
    put(join(site, name + '.dist-info', 'RECORD'), '${tool}');
    if (name === ${JSON.stringify(packages[0])}) halfWay('${tool}');
    if ('${tool}' === 'uv' && process.env.FAKE_UV === '1') process.exit(1);
  }
  mkdirSync(join(site, 'tensorflow', 'include'), { recursive: true });
  for (const name of ${JSON.stringify(libraries)}) symlinkSync(join(${JSON.stringify(realLibraries())}, name), join(site, 'tensorflow', name));`;
}

/** Leaves a copy of the real binding where node-gyp would have built one. */
function gyp(): string {
  return `${preamble('PROJECT').replace('"PROJECT"', "require('node:path').resolve(__dirname, '..', '..', '..')")}
counted('gyp');
mkdirSync('build/Release', { recursive: true });
halfWay('gyp');
copyFileSync(${JSON.stringify(bindingFile(bindingPackage()!))}, 'build/Release/tfjs_binding.node');`;
}

function realLibraries(): string {
  return join(sitePackages()!, 'tensorflow');
}
