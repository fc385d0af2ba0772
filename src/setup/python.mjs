import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { environmentFolder, flavour, lockFile, setupCommand, sha256, stateFolder } from '../lib/installation.mjs';
import { isolated, isolatedEnvironment } from '../lib/python/isolated.mjs';
import { distributions, environmentFault, libraryFiles, sitePackages, stampName } from './environment.mjs';
import { SetupFailure } from './failure.mjs';
import { findProgram, outputOf } from './programs.mjs';
import { checks, installWithUv } from './uv.mjs';

/** Python versions with wheels for every pin of the lock file, the preferred one first. */
export const supportedPythons = ['3.11', '3.12', '3.10', '3.9'];

/** Room that the environment needs while it is made, in GB: packages, and pip's cache of downloads. */
const neededSpace = { cpu: 4, cuda: 12 };

/**
 * @typedef {object} Environment a Python environment with locked packages
 * @property {string} title
 * @property {string} folder
 * @property {string} lock the hashed lock file
 * @property {string} about what is installed, for the line that announces it
 * @property {string} library what decides which Pythons serve
 * @property {readonly string[]} pythons versions with wheels for every pin, the preferred one first
 * @property {number} space in GB
 * @property {string} again what to do once a fault is mended
 * @property {string} command what makes the environment
 * @property {string} fromWheels the same with the packages in the folder `wheels`
 * @property {(folder: string) => void} [finish] last step
 */

/** The environment that both languages run on. */
export const sharedEnvironment = () => ({
  title: 'Python environment',
  folder: environmentFolder(),
  lock: lockFile(),
  about: `${flavour()} lock, takes minutes`,
  library: 'TensorFlow 2.16.1',
  pythons: supportedPythons,
  space: neededSpace[flavour()],
  again: 'run set-up again',
  command: setupCommand,
  fromWheels: `${setupCommand} --wheelhouse wheels`,
  finish: linkCudaLibraries,
});

const probe = `
import importlib.util, json, platform, sys
print(json.dumps({
    "version": platform.python_version(),
    "implementation": platform.python_implementation(),
    "executable": sys.executable,
    "bits": 64 if sys.maxsize > 2**32 else 32,
    "venv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
}))`;

/** Facts of an interpreter, or undefined if it cannot be run. */
export function probePython(command) {
  const text = outputOf(command, isolated('-c', probe), isolatedEnvironment());
  try {
    return text && JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Why a Python cannot be used, as one phrase, or undefined if it can. */
export function refusal({ version, implementation, bits }, { library, pythons } = sharedEnvironment()) {
  const minor = minorOf(version);
  if (implementation !== 'CPython') return `it is ${implementation}, and the wheels are for CPython`;
  if (bits !== 64) return `it is a 32-bit build, and ${library.split(' ')[0]} is 64-bit only`;
  if (pythons.includes(minor)) return undefined;
  return `${library} has no wheel for Python ${minor}`;
}

/** The interpreter to make the environment with: `PYTHON` if set, else the first usable one in PATH. */
export function findPython(environment = sharedEnvironment()) {
  const install = 'install Python 3.11 with venv (Debian, Ubuntu: sudo apt install python3.11 python3.11-venv)';
  const chosen = process.env.PYTHON;
  const candidates = chosen
    ? [chosen]
    : [...environment.pythons.map((version) => `python${version}`), 'python3', 'python'];
  const refused = [];
  for (const command of candidates) {
    const facts = findProgram(command) && probePython(command);
    if (!facts) continue;
    const reason = refusal(facts, environment) ?? (facts.venv ? undefined : 'it lacks the modules venv and ensurepip');
    if (!reason) return facts;
    refused.push({ command, facts, reason });
  }
  if (refused.length === 0) {
    if (chosen)
      throw new SetupFailure(`PYTHON=${chosen} cannot be run.`, `correct PYTHON, or unset it and ${install}.`);
    throw new SetupFailure('No Python is in PATH.', `${install}, or set PYTHON to an interpreter.`);
  }
  const list = refused.map(({ command, facts, reason }) => `${command} is ${facts.version}, but ${reason}`).join('; ');
  const bare = refused.find(({ facts }) => !facts.venv && !refusal(facts, environment));
  throw new SetupFailure(
    `No usable Python: ${list}.`,
    bare
      ? `sudo apt install python${minorOf(bare.facts.version)}-venv (or the same from your system's packages).`
      : `${install}, or set PYTHON to a ${environment.pythons.join(', ')} interpreter.`,
  );
}

/** Stage 2: a Python environment with exactly the locked packages. */
export async function makeEnvironment(stages, { wheelhouse, environment = sharedEnvironment() } = {}) {
  clearTrash();
  const { title, folder, lock, about, finish } = environment;
  const fault = environmentFault(folder, lock) ?? unwantedPython(environment);
  if (!fault) return;
  const stamp = join(folder, stampName);
  const isForeign = existsSync(folder) && !existsSync(stamp);
  if (isForeign) {
    throw new SetupFailure(
      `${folder} was not made by set-up, which never overwrites what it did not make.`,
      `mv ${folder} ${folder}.old && ${environment.command}`,
    );
  }
  const python = findPython(environment);
  checkSpace(environment);
  await stages.run(title, `${fault}; Python ${python.version}, ${about}`, async () => {
    const makeEmpty = async () => {
      setAside(folder);
      mkdirSync(folder, { recursive: true });
      writeJson(stamp, { state: 'building' });
      await stages.program(python.executable, isolated('-m', 'venv', folder), { env: isolatedEnvironment() });
    };
    const explained = (output) => explain(output, environment);
    await makeEmpty();
    const outcome = wheelhouse ? 'not used' : await installWithUv(stages, folder, lock, explained);
    if (outcome === 'failed') {
      stages.say(`${title}: uv could not install the packages (${stages.log} says why); pip goes on`);
      await makeEmpty();
    }
    if (outcome !== 'done') {
      await stages.program(join(folder, 'bin', 'python'), pipArguments(lock, wheelhouse), {
        env: { ...isolatedEnvironment(), PIP_USER: '0' },
        explain: explained,
      });
    }
    finish?.(folder);
    const libraries = libraryFiles(folder);
    writeJson(stamp, {
      state: 'ready',
      lock: sha256(readFileSync(lock)),
      python: python.version,
      flavour: flavour(),
      distributions: distributions(folder),
      libraries: Object.fromEntries(Object.entries(libraries).map(([name, { size }]) => [name, size])),
    });
    return `${distributions(folder).length} packages in ${relative(process.cwd(), folder) || folder}`;
  });
}

function pipArguments(lock, wheelhouse) {
  const source = wheelhouse ? ['--no-index', '--find-links', wheelhouse] : [];
  return isolated('-m', 'pip', 'install', '--disable-pip-version-check', ...source, ...checks, '-r', lock);
}

/** `PYTHON` asks for another version than the environment has. */
function unwantedPython(environment) {
  if (!process.env.PYTHON) return undefined;
  const asked = findPython(environment).version;
  const present = JSON.parse(readFileSync(join(environment.folder, stampName), 'utf8')).python;
  return minorOf(asked) === minorOf(present) ? undefined : `it has Python ${present}, PYTHON is ${asked}`;
}

/**
 * TensorFlow 2.16.1 looks for the CUDA libraries of the `nvidia-*` wheels in its own folder only (its framework library lacks the
 * other run paths), so they are linked there, for both languages at once.
 */
function linkCudaLibraries(folder) {
  const packages = sitePackages(folder);
  const vendor = join(packages, 'nvidia');
  if (!existsSync(vendor)) return;
  for (const name of readdirSync(vendor)) {
    const libraries = join(vendor, name, 'lib');
    if (!existsSync(libraries)) continue;
    for (const file of readdirSync(libraries).filter((entry) => /\.so(\.|$)/.test(entry))) {
      const link = join(packages, 'tensorflow', file);
      if (!existsSync(link)) symlinkSync(relative(dirname(link), join(libraries, file)), link);
    }
  }
}

/** Moves a folder away at once, so that a kill during the slow deletion leaves nothing that looks like an environment. */
function setAside(folder) {
  if (!existsSync(folder)) return;
  mkdirSync(stateFolder(), { recursive: true });
  renameSync(folder, join(stateFolder(), `trash-${process.pid}-${Date.now()}`));
  clearTrash();
}

function clearTrash() {
  if (!existsSync(stateFolder())) return;
  for (const name of readdirSync(stateFolder())) {
    if (name.startsWith('trash-')) rmSync(join(stateFolder(), name), { recursive: true, force: true });
  }
}

function checkSpace({ folder, space, again }) {
  const parent = dirname(folder);
  mkdirSync(parent, { recursive: true });
  const { bavail, bsize } = statfsSync(parent);
  const free = (bavail * bsize) / 1e9;
  if (free < space) {
    throw new SetupFailure(
      `${parent} has ${free.toFixed(1)} GB free; set-up needs ${space} GB.`,
      `free some space, then ${again}.`,
    );
  }
}

function explain(output, { lock, space, again, fromWheels }) {
  if (/No space left on device/.test(output)) {
    return new SetupFailure('The disk is full.', `free ${space} GB, then ${again}.`);
  }
  if (/THESE PACKAGES DO NOT MATCH THE HASHES/.test(output)) {
    return new SetupFailure(
      'A downloaded package does not have the locked hash (a changed mirror, or a broken download).',
      `\`python -m pip cache purge\`, check \`pip config list\`, then ${again}.`,
    );
  }
  if (
    /NewConnectionError|NameResolutionError|name resolution|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Max retries/.test(
      output,
    )
  ) {
    return new SetupFailure(
      'PyPI cannot be reached.',
      `check the network and \`pip config list\`, or on a machine with network: pip download --require-hashes --only-binary :all: -r ${relative(process.cwd(), lock)} -d wheels; then here: ${fromWheels}`,
    );
  }
  const missing = /No matching distribution found for (\S+)/.exec(output);
  if (missing) {
    return new SetupFailure(
      `pip found no wheel of ${missing[1]}.`,
      'fill the wheel folder for this Python version and platform, or install from PyPI, without it.',
    );
  }
  return undefined;
}

function minorOf(version) {
  return version.split('.').slice(0, 2).join('.');
}

function writeJson(file, value) {
  writeFileSync(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}
