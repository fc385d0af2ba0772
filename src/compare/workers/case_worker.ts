/** Worker process of a comparison: holds one Python original and runs one case per request. */
import { BridgeLostError } from '../../bridge/errors.ts';
import { endingSignals } from '../../lib/first_signals.mjs';
import { type Chosen, runCases } from '../comparison.ts';
import type { Suite, SuiteCase } from '../suite.ts';
import { answerRequests, tell } from './answering.ts';
import { type CaseName, openChecked, type SharedContext } from './context.ts';
import type { Reply, Request, WorkerSettings } from './messages.ts';

// The terminal sends Ctrl-C to every process. The one that started this worker decides what ends.
for (const name of endingSignals) process.on(name, () => {});

let opened: { readonly suites: readonly Suite[]; readonly shared: SharedContext } | undefined;

answerRequests(handle);

async function handle(request: Request): Promise<Reply> {
  if (request.kind === 'open') return open(request);
  if (!opened) throw new Error(`asked for "${request.kind}" before the original was opened`);
  const { suites, shared } = opened;
  return request.kind === 'run'
    ? run(chosenOf(suites, request.one), shared)
    : { kind: 'shims', shims: await shared.original.shims() };
}

async function open({ suites: module, ...settings }: WorkerSettings): Promise<Reply> {
  const { suites } = (await import(module)) as { readonly suites: readonly Suite[] };
  const { shared, sides } = await openChecked(settings);
  opened = { suites, shared };
  return { kind: 'opened', sides, shims: await shared.original.shims() };
}

async function run([{ suite, case: one }]: Chosen, shared: SharedContext): Promise<Reply> {
  let lost = false;
  const watched: SuiteCase = {
    ...one,
    run: async (context) => {
      try {
        return await one.run(context);
      } catch (error) {
        lost ||= error instanceof BridgeLostError;
        throw error;
      }
    },
  };
  const findings = await runCases([{ suite, case: watched }], shared, (event) => {
    if (event.kind === 'message' || event.kind === 'warning') tell(event);
  });
  return { kind: 'ran', findings, lost };
}

function chosenOf(suites: readonly Suite[], wanted: CaseName): Chosen {
  const suite = suites.find(({ name }) => name === wanted.suite);
  const one = suite?.cases.find(({ name }) => name === wanted.case);
  if (suite === undefined || one === undefined) throw new Error(`there is no case ${wanted.suite}: ${wanted.case}`);
  return [{ suite, case: one }];
}
