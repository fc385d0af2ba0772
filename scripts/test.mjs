#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonExecutable, root } from '../src/lib/installation.mjs';
import { isolatedEnvironment, isolatedModule } from '../src/lib/python/isolated.mjs';
import { SetupFailure } from '../src/setup/failure.mjs';
import { setUp } from '../src/setup/set_up.mjs';
import { changedFiles, filesOf, reachedTests } from './lib/changed_tests.mjs';
import { optionsOf } from './lib/options.mjs';
import { addCounts, closingLine, countPytest, countVitest, isSuccess } from './lib/test_counts.mjs';

const {
  full,
  changed,
  since,
  words: patterns,
} = optionsOf(
  `usage: npm test -- [--changed] [--since COMMIT] [PATTERN…]
       npm run test:full -- [PATTERN…]

Installs what is missing, runs the tests of src/ (vitest) and of original/ (pytest) side by side, and ends with "N passed, N failed".

Options:
  PATTERN         part of the path of a test file (default: all tests)
  --changed       run only the tests that your changes since the last commit can reach: vitest's files by what they import, start and read,
                  pytest if something in original/ changed
  --since COMMIT  the same for all changes since COMMIT, such as main
  --full          run the long tests too, such as fault campaigns and other versions of Node; npm run test:full does the same
  -h, --help      show this text and exit
`,
  { full: { type: 'boolean' }, changed: { type: 'boolean' }, since: { type: 'string' } },
  { words: true },
);
/** Undefined: all tests. */
let reached;
process.exitCode = await main();

async function main() {
  try {
    await setUp();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    console.error(`set-up: ${error.message}`);
    return 1;
  }
  if (changed || since !== undefined) {
    const files = changesSince(since ?? 'HEAD');
    if (files === undefined) return 2;
    reached = reachedTests(filesOf(root), files);
    console.log(
      `${files.length} changed ${files.length === 1 ? 'file reaches' : 'files reach'} ${reached.vitest.length} test files of vitest${reached.pytest ? ' and those of original/' : ''}.`,
    );
    if (reached.vitest.length === 0 && !reached.pytest) return 0;
  }
  const reports = mkdtempSync(join(tmpdir(), 'ecg-transplant-test-'));
  try {
    const counts = addCounts(await Promise.all([vitest(reports), pytest(reports)]));
    if (counts.passed + counts.failed + counts.skipped === 0) {
      console.error(`No test file matches ${patterns.join(' ') || 'the project'}.`);
    }
    console.log(closingLine(counts));
    return isSuccess(counts) ? 0 : 1;
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
}

function changesSince(commit) {
  try {
    return changedFiles(root, commit);
  } catch (error) {
    console.error(
      `--since: git cannot compare with the commit ${commit}: ${String(error.stderr || error.message).trim()}`,
    );
    return undefined;
  }
}

async function vitest(reports) {
  const ending = full ? /\.test\.ts$/ : /(?<!\.full)\.test\.ts$/;
  const files = testFiles('test', ending).filter((file) => reached?.vitest.includes(file) !== false);
  if (files.length === 0) return addCounts([]);
  const report = join(reports, 'vitest.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const program = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const { code } = await run(
    process.execPath,
    [program, 'run', ...reporters, ...(patterns.length || reached ? files : [])],
    {
      env: { ...process.env, ECG_TEST_FULL: full ? '1' : '0' },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  return countVitest(read(report), code);
}

async function pytest(reports) {
  if (reached?.pytest === false) return addCounts([]);
  const files = testFiles(join('original', 'tests'), /(^|\/)test_[^/]*\.py$/);
  if (files.length === 0) return addCounts([]);
  const report = join(reports, 'pytest.xml');
  const marks = full ? [] : ['-m', 'not full'];
  const paths = files.map((file) => join(root, file));
  const { code, output } = await run(
    pythonExecutable(),
    isolatedModule(join(root, 'original'), 'pytest', ['--color=no', `--junitxml=${report}`, ...marks, ...paths]),
    {
      cwd: join(root, 'original'),
      env: { TF_CPP_MIN_LOG_LEVEL: '2', ...isolatedEnvironment() },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  // Held back until the end, so that the two runners' lines do not mix.
  process.stdout.write(`\noriginal/tests (pytest)\n${output}`);
  return countPytest(read(report), code);
}

/** Paths, from the root, of the test files below `folder` that match a pattern. */
function testFiles(folder, ending) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true })
    .map((name) => join(folder, name))
    .filter(
      (path) => ending.test(path) && (patterns.length === 0 || patterns.some((pattern) => path.includes(pattern))),
    )
    .sort();
}

function run(command, args, settings) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, ...settings });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code: code ?? signal, output: Buffer.concat(chunks).toString('utf8') }),
    );
  });
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
