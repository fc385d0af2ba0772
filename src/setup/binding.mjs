import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pythonExecutable, root } from '../lib/installation.mjs';
import { isolatedEnvironment } from '../lib/python/isolated.mjs';
import {
  bindingFault,
  bindingFile,
  bindingIdentity,
  bindingLinks,
  bindingPackage,
  nodeApiVersion,
  stampName,
  tensorflowVersion,
} from './environment.mjs';
import { SetupFailure } from './failure.mjs';
import { findProgram, outputOf } from './programs.mjs';

/** Stage 3: the Node binding, compiled against the wheel's headers and library. */
export async function buildBinding(stages) {
  const fault = bindingFault();
  if (!fault) return;
  const folder = bindingPackage();
  if (!folder) {
    throw new SetupFailure(
      '@tensorflow/tfjs-node-gpu is not installed.',
      'npm install --ignore-scripts, then run set-up again.',
    );
  }
  checkTools();
  await stages.run('Node binding', `${fault}; node-gyp`, async () => {
    const file = bindingFile(folder);
    const stamp = join(dirname(file), stampName);
    rmSync(stamp, { force: true });
    link(folder);
    await stages.program(process.execPath, gypArguments(), {
      cwd: folder,
      env: { ...isolatedEnvironment(), PYTHON: pythonExecutable() },
      explain,
    });
    mkdirSync(dirname(file), { recursive: true });
    // A running process may have the old file mapped: it is replaced, never written into.
    copyFileSync(join(folder, 'build', 'Release', 'tfjs_binding.node'), `${file}.new`);
    renameSync(`${file}.new`, file);
    const version = loadedVersion(file);
    if (version !== tensorflowVersion) {
      throw new SetupFailure(
        `The compiled binding ${version ? `has TensorFlow ${version} instead of ${tensorflowVersion}` : 'cannot be loaded'}.`,
        'npm run doctor says what each process loads.',
      );
    }
    const content = { identity: bindingIdentity(folder), size: statSync(file).size };
    writeFileSync(`${stamp}.new`, `${JSON.stringify(content, null, 2)}\n`);
    renameSync(`${stamp}.new`, stamp);
    return `compiled for TensorFlow ${version}, Node-API ${nodeApiVersion}`;
  });
}

function checkTools() {
  const install = 'sudo apt install build-essential (Fedora: sudo dnf install gcc-c++ make), then run set-up again.';
  const compiler = process.env.CXX?.split(' ')[0] ?? 'g++';
  if (!findProgram(compiler)) throw new SetupFailure(`No C++ compiler: ${compiler} is not in PATH.`, install);
  if (!findProgram('make')) throw new SetupFailure('make is not in PATH.', install);
}

function link(folder) {
  rmSync(join(folder, 'deps'), { recursive: true, force: true });
  for (const [path, target] of Object.entries(bindingLinks(folder))) {
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path);
  }
}

function gypArguments() {
  const gyp = createRequire(join(root, 'package.json')).resolve('node-gyp/bin/node-gyp.js');
  const module = [
    '--module_name=tfjs_binding',
    `--module_path=lib/napi-v${nodeApiVersion}`,
    `--napi_build_version=${nodeApiVersion}`,
  ];
  const headers = localHeaders();
  return [gyp, 'rebuild', ...module, ...(headers ? [`--nodedir=${headers}`] : [])];
}

/**
 * Folder with Node's headers, so that node-gyp need not download them: those beside this Node, else the system's. The binding uses
 * Node-API alone, so any Node's headers serve.
 */
function localHeaders() {
  const folders = [process.env.npm_config_nodedir, join(dirname(process.execPath), '..'), '/usr', '/usr/local'];
  return folders.find((folder) => folder && existsSync(join(folder, 'include', 'node', 'node_api.h')));
}

/** TensorFlow version of a compiled binding, found in a process of its own, since a wrong library can end the process. */
function loadedVersion(file) {
  const script = `console.log(require(${JSON.stringify(file)}).TF_Version)`;
  return outputOf(process.execPath, ['-e', script], { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' });
}

function explain(output) {
  const isOffline = /getaddrinfo|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|FetchError/.test(output);
  if (isOffline) {
    return new SetupFailure(
      "Node's headers are not on this machine and cannot be downloaded.",
      "install them (Debian, Ubuntu: sudo apt install libnode-dev; or use nodejs.org's archive, which holds them), or set npm_config_nodedir.",
    );
  }
  return undefined;
}
