import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** A change of these can change the result of any test. */
const everything =
  /^(package(-lock)?\.json|tsconfig\.json|vitest\.config\.ts|test\/proofs\/|scripts\/(test\.mjs|lib\/))/;
/** Files that no program names, and the file that a change of them counts as a change of: Python's imports, and what the package holds. */
const together = [
  [/^src\/bridge\/.*\.py$/, 'src/bridge/probe.py'],
  [/^(?!test\/|scripts\/|original\/tests\/)/, 'test/package/pack.ts'],
];
const isProgram = (path) => /\.m?[jt]s$/.test(path);
const isTest = (path) => /^test\/.*\.test\.ts$/.test(path);

/**
 * Paths of the files that differ from a commit, and of new files that git does not ignore.
 * @param {string} root
 * @param {string} commit
 */
export function changedFiles(root, commit) {
  const git = (...args) => {
    const options = { cwd: root, encoding: 'utf8', maxBuffer: 1e8, stdio: ['ignore', 'pipe', 'pipe'] };
    return execFileSync('git', [...args, '-z'], options)
      .split('\0')
      .filter(Boolean);
  };
  // Without renames, the old name of a file is listed too.
  const changed = git('diff', '--name-only', '--no-renames', '--relative', commit);
  return [...new Set([...changed, ...git('ls-files', '--others', '--exclude-standard')])].sort();
}

/**
 * The files of a checkout that git knows or would take, and the text of those that are programs.
 * @param {string} root
 * @returns {Map<string, string>} path to text; the text of other files is empty
 */
export function filesOf(root) {
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 1e8 };
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], options);
  return new Map(
    [...new Set(list.split('\0'))]
      .filter((path) => path !== '' && existsSync(join(root, path)))
      .map((path) => [path, isProgram(path) ? readFileSync(join(root, path), 'utf8') : '']),
  );
}

/**
 * The tests that a change can reach. A file reaches the files and folders that its text names, as in imports, in `new URL('./probe.py', …)` and in
 * `join(root, 'bin', 'ecg-transplant.mjs')`. So a test that starts a command in a process of its own is reached by what the command imports.
 * @param {Map<string, string>} files as `filesOf` returns them
 * @param {readonly string[]} changed paths; they may have been removed
 * @returns {{ vitest: string[], pytest: boolean }} paths of test files, and whether the tests of `original/` are reached
 */
export function reachedTests(files, changed) {
  const tests = [...files.keys()].filter(isTest).sort();
  if (changed.some((path) => everything.test(path))) return { vitest: tests, pytest: true };
  const places = placesOf([...files.keys(), ...changed]);
  /** @type {Map<string, Set<string>>} which files name a file */
  const users = new Map();
  for (const [path, text] of files) {
    for (const named of namedIn(path, text, places)) {
      if (!users.has(named)) users.set(named, new Set());
      users.get(named).add(path);
    }
  }
  const reached = new Set(changed.filter((path) => !path.startsWith('original/tests/')));
  for (const [pattern, file] of together) if (changed.some((path) => pattern.test(path))) reached.add(file);
  for (const path of reached) for (const user of users.get(path) ?? []) reached.add(user);
  return {
    vitest: tests.filter((path) => reached.has(path)),
    pytest: changed.some((path) => path.startsWith('original/')),
  };
}

/** The files at each path: a file is itself, a folder stands for all that is in it. */
function placesOf(paths) {
  const places = new Map();
  for (const path of paths) {
    for (let place = path; place !== '.'; place = posix.dirname(place)) {
      if (!places.has(place)) places.set(place, new Set());
      places.get(place).add(path);
    }
  }
  return places;
}

/** The files that the text of a program names, from its own folder or from the root. */
function* namedIn(path, text, places) {
  const words = [...text.matchAll(/(['"`])((?:\.{0,2}\/)?[\w@.-][\w@./ -]*)\1/g)].map(([, , word]) => word);
  const joined = [...text.matchAll(/join\(\s*(?:root|import\.meta\.dirname),((?:\s*'[^'\n]+',?)+)\s*\)/g)].map(
    ([, list]) => [...list.matchAll(/'([^'\n]+)'/g)].map(([, word]) => word).join('/'),
  );
  // npm runs the commands of package.json.
  const started =
    isTest(path) && /['"]np[mx]['"]/.test(text) ? ['bin/ecg-transplant.mjs', 'scripts/reproduce.mjs'] : [];
  for (const word of new Set([...words, ...joined, ...started])) {
    // A word alone may be anything; a path or the name of a file is meant.
    if (!/[./]/.test(word) && !joined.includes(word)) continue;
    for (const from of [posix.dirname(path), '.']) {
      const place = posix.join(from, word).replace(/\/$/, '');
      // The folder of the file itself and those around it, as in `join(here, '..')`, are where paths begin. What src/ names outside is for others to run or read.
      if (path.startsWith(`${place}/`) || (path.startsWith('src/') && !/^(src|original)\//.test(`${place}/`))) continue;
      yield* places.get(place) ?? [];
    }
  }
}
