/**
 * Worker process of a sabotage run: holds one Python original and runs cases from several source trees against it, one case per request.
 * The modules of all trees are loaded side by side; the bridge belongs to the process.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../errors.ts';
import { silent } from '../../events.ts';
import type * as Comparison from '../comparison.ts';
import type { Suite, SuiteName } from '../suite.ts';
import { answerRequests } from '../workers/answering.ts';
import { openShared, type SharedContext } from '../workers/context.ts';
import type { CaseName, CaseResult, Reply, Request } from './messages.ts';

let shared: SharedContext | undefined;

answerRequests(handle);
// A mutant may leave behind a rejected promise or a failing thread. The next case on undamaged sources shows whether that matters.
process.on('unhandledRejection', () => {});

async function handle(request: Request): Promise<Reply> {
  switch (request.kind) {
    case 'open':
      // A failed row is enough.
      shared = { ...(await openShared(request.bridge, request.settings)), locate: false };
      return { kind: 'opened' };
    case 'list': {
      const { suites } = (await load(request.tree, 'compare/suites/index.ts')) as { suites: readonly Suite[] };
      const cases = suites.flatMap((suite) =>
        suite.cases.map(({ name, quick = false }) => ({ suite: suite.name, case: name, quick })),
      );
      return { kind: 'listed', cases };
    }
    case 'run':
      return { kind: 'ran', result: await runCase(request.tree, request.one, request.hits) };
  }
}

async function runCase(tree: string, one: CaseName, hits?: string): Promise<CaseResult> {
  if (!shared) throw new Error('asked for a case before the original was opened');
  const folder = hits === undefined ? undefined : mkdtempSync(join(tmpdir(), 'ecg-transplant-hits-'));
  const hitFile = folder && join(folder, 'hits');
  if (hits !== undefined && hitFile !== undefined) {
    process.env.ECG_SABOTAGE_HITS = hitFile;
    ((await import(pathToFileURL(hits).href)) as { restart(): void }).restart();
  }
  const begun = performance.now();
  const done = (outcome: CaseResult['outcome'], detail: string): CaseResult => ({
    outcome,
    detail: detail.split('\n')[0].slice(0, 300),
    seconds: (performance.now() - begun) / 1000,
    hits: hitFile !== undefined && existsSync(hitFile) ? readFileSync(hitFile, 'utf8').split('\n').map(Number) : [],
  });
  try {
    const suite = await suiteOf(tree, one.suite);
    const chosen = suite.cases.filter(({ name }) => name === one.case).map((c) => ({ suite, case: c }));
    if (chosen.length !== 1) return done('broke off', `the tree has ${chosen.length} cases of this name`);
    const { runCases } = (await load(tree, 'compare/comparison.ts')) as typeof Comparison;
    const { rows, notRunnable, notApplicable, broken } = await runCases(chosen, shared, silent);
    const failed = rows.find(({ passed }) => !passed);
    if (failed) return done('failed row', failed.note ? `${failed.name}: ${failed.note}` : failed.name);
    if (broken.length > 0) return done('broke off', broken[0].because);
    const [skipped] = [...notRunnable, ...notApplicable];
    if (skipped) return done('not runnable', skipped.because);
    return done('passed', '');
  } catch (error) {
    return done('broke off', messageOf(error));
  } finally {
    delete process.env.ECG_SABOTAGE_HITS;
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** A suite from its own module, because loading all of them takes longer than most cases. */
async function suiteOf(tree: string, name: SuiteName): Promise<Suite> {
  const module = (await load(tree, `compare/suites/${name}/suite.ts`)) as { [name: string]: Suite | undefined };
  const suite = module[name];
  if (!suite) throw new Error(`the tree has no suite ${name}`);
  return suite;
}

function load(tree: string, module: string): Promise<unknown> {
  return import(pathToFileURL(join(tree, 'src', module)).href);
}
