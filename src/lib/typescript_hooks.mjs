// How Node loads a TypeScript source: esbuild compiles it once, and later starts read what it made. It reads no tsconfig.json, and the compiled code
// lies beside the packages, where nobody can write who could not change esbuild itself.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { version } = createRequire(import.meta.url)('esbuild/package.json');
const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'ecg-transplant', 'typescript');

/** When the cache has more files, the oldest are removed until half of these are left: the sources are about 500. */
const mostFiles = 4000;

/** Node's hook that loads a module. */
export async function load(url, context, nextLoad) {
  const { protocol, pathname } = new URL(url);
  if (protocol !== 'file:' || !/\.m?ts$/.test(pathname)) return nextLoad(url, context);
  const file = fileURLToPath(url);
  const source = readFileSync(file, 'utf8');
  // The name is in the source map, which leads to the source beside the module.
  const key = createHash('sha256')
    .update(`${version}\n${basename(file)}\n${source}`)
    .digest('hex');
  return { format: 'module', source: kept(key) ?? (await compile(basename(file), source, key)), shortCircuit: true };
}

function kept(key) {
  try {
    const code = readFileSync(join(cache, key), 'utf8');
    // After a power failure a file may be empty or cut off.
    return code.endsWith(key) ? code : undefined;
  } catch {
    return undefined;
  }
}

async function compile(name, source, key) {
  const { transform } = await import('esbuild');
  const { code } = await transform(source, {
    loader: 'ts',
    format: 'esm',
    target: 'esnext',
    sourcefile: name,
    sourcemap: 'inline',
    sourcesContent: false,
  });
  const text = `${code}// ${key}`;
  keep(key, text);
  return text;
}

let isTidied = false;

/** Without a cache, as where the packages belong to another user, everything works and starts more slowly. */
function keep(key, code) {
  try {
    if (!isTidied) {
      isTidied = true;
      mkdirSync(cache, { recursive: true });
      tidy();
    }
    const partial = join(cache, `${key}.${process.pid}`);
    writeFileSync(partial, code, { flag: 'wx' });
    renameSync(partial, join(cache, key));
  } catch {
    // Nothing is kept.
  }
}

function tidy() {
  const names = readdirSync(cache);
  if (names.length <= mostFiles) return;
  const files = names.map((name) => ({ file: join(cache, name), age: -statSync(join(cache, name)).mtimeMs }));
  for (const { file } of files.sort((a, b) => b.age - a.age).slice(0, names.length - mostFiles / 2))
    rmSync(file, { force: true });
}
