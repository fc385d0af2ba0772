// Whether what set-up makes is whole. Reads only: safe to call from anywhere.
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { environmentFolder, isCheckout, lockFile, root, sha256 } from '../lib/installation.mjs';

/** TensorFlow version that both languages run on. */
export const tensorflowVersion = '2.16.1';

/** Version of Node's binary interface that the binding is compiled for; it is the same for Node 20 and everything newer. */
export const nodeApiVersion = 8;

/** The two shared libraries of the TensorFlow wheel. */
export const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

/** Name of the file by which set-up marks what it made: a Python environment or a binding. */
export const stampName = 'ecg-transplant.json';

/** Folder of the Node binding's package, wherever npm placed it; undefined if it is not installed. */
export function bindingPackage() {
  try {
    return dirname(createRequire(join(root, 'package.json')).resolve('@tensorflow/tfjs-node-gpu/package.json'));
  } catch {
    return undefined;
  }
}

/** The compiled binding inside `bindingPackage()`. */
export function bindingFile(folder) {
  return join(folder, 'lib', `napi-v${nodeApiVersion}`, 'tfjs_binding.node');
}

/** The parsed JSON file, or undefined where it is missing or broken. */
export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function isObject(value) {
  return typeof value === 'object' && value !== null;
}

/** The environment's `site-packages`, or undefined. */
export function sitePackages(folder = environmentFolder()) {
  try {
    const version = readdirSync(join(folder, 'lib')).find((name) => /^python3\.\d+$/.test(name));
    return version && join(folder, 'lib', version, 'site-packages');
  } catch {
    return undefined;
  }
}

/** Installed distributions as sorted `name-version`, from the folders that pip leaves. */
export function distributions(folder = environmentFolder()) {
  const packages = sitePackages(folder);
  if (!packages || !existsSync(packages)) return [];
  return readdirSync(packages)
    .filter((name) => name.endsWith('.dist-info') && existsSync(join(packages, name, 'RECORD')))
    .map((name) => name.slice(0, -'.dist-info'.length))
    .sort();
}

/** The libraries as they lie in the environment: real path and size; a missing one is left out. */
export function libraryFiles(folder = environmentFolder()) {
  const packages = sitePackages(folder);
  if (!packages) return {};
  const found = {};
  for (const name of libraries) {
    const file = join(packages, 'tensorflow', name);
    if (existsSync(file)) found[name] = { path: realpathSync(file), size: statSync(file).size };
  }
  return found;
}

/** Why a Python environment is not whole, as one phrase, or undefined if it is. Takes milliseconds. */
export function environmentFault(folder = environmentFolder(), lock = lockFile()) {
  if (!existsSync(folder)) return 'there is none yet';
  const stamp = readJson(join(folder, stampName));
  if (!stamp) return 'it was not made by set-up';
  if (stamp.state !== 'ready') return 'an earlier set-up did not finish';
  if (!Array.isArray(stamp.distributions) || !isObject(stamp.libraries)) return 'its mark is damaged';
  if (!existsSync(join(folder, 'bin', 'python'))) return 'its Python is gone';
  if (stamp.lock !== sha256(readFileSync(lock))) return 'the lock file has changed';
  const present = new Set(distributions(folder));
  const missing = stamp.distributions.find((name) => !present.has(name));
  if (missing) return `${missing} is missing or replaced`;
  const files = libraryFiles(folder);
  for (const name of libraries) {
    // The environment of the bench has neither.
    if (files[name]?.size !== stamp.libraries[name]) return `${name} is missing or changed`;
  }
  return undefined;
}

/** What a binding's stamp has to say to fit the environment. */
export function bindingIdentity(folder) {
  return {
    package: readJson(join(folder, 'package.json'))?.version,
    nodeApi: nodeApiVersion,
    architecture: process.arch,
    libraries: libraryFiles(),
  };
}

/** Why the binding does not fit, as one phrase, or undefined if it does. */
export function bindingFault() {
  const folder = bindingPackage();
  if (!folder) return '@tensorflow/tfjs-node-gpu is not installed';
  const file = bindingFile(folder);
  if (!existsSync(file)) return 'it is not compiled yet';
  const stamp = readJson(join(dirname(file), stampName));
  if (!stamp) return 'it was not compiled by set-up';
  if (JSON.stringify(stamp.identity) !== JSON.stringify(bindingIdentity(folder))) {
    return 'it was compiled for another library';
  }
  if (stamp.size !== statSync(file).size) return 'its file has changed';
  for (const [link, target] of Object.entries(bindingLinks(folder))) {
    if (!existsSync(link) || realpathSync(link) !== realpathSync(target)) return `${link} points elsewhere`;
  }
  return undefined;
}

/** The links by which the binding finds the wheel's headers and libraries: link → target. */
export function bindingLinks(folder) {
  const wheel = join(sitePackages() ?? '', 'tensorflow');
  const [library, framework] = libraries.map((name) => join(wheel, name));
  const deps = join(folder, 'deps');
  return {
    [join(deps, 'include')]: join(wheel, 'include'),
    [join(deps, 'lib', 'libtensorflow.so')]: library,
    [join(deps, 'lib', 'libtensorflow_cc.so.2')]: library,
    [join(deps, 'lib', 'libtensorflow_framework.so')]: framework,
    [join(deps, 'lib', 'libtensorflow_framework.so.2')]: framework,
  };
}

/** Why node_modules does not fit the lock file, as one phrase, or undefined if it does. An installed package has nothing to check. */
export function packagesFault() {
  if (!isCheckout) return undefined;
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'));
  if (!isObject(installed?.packages)) return 'they are not installed';
  const wanted = readJson(join(root, 'package-lock.json'))?.packages ?? {};
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed.packages[path];
    // Optional packages are mostly those of other platforms.
    if (!found && optional) continue;
    if (found?.version !== version || !existsSync(join(root, path, 'package.json'))) {
      return `${path.replace(/^.*node_modules\//, '')} ${version} is missing`;
    }
  }
  return undefined;
}
