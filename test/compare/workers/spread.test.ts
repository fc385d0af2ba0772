import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Chosen, exitCodeOf, type Findings } from '../../../src/compare/comparison.ts';
import type { Suite, SuiteCase } from '../../../src/compare/suite.ts';
import { metrics } from '../../../src/compare/suites/metrics/suite.ts';
import type { CompareSettings } from '../../../src/compare/workers/context.ts';
import { type CompareResult, runHere, runSpread, type SpreadOptions } from '../../../src/compare/workers/spread.ts';
import type { ProgressEvent } from '../../../src/events.ts';
import { silent } from '../../../src/events.ts';
import { lockFile } from '../../../src/lib/installation.mjs';
import { python, root } from '../../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'ecg-transplant-spread-'));
const starts = join(folder, 'starts');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings: CompareSettings = {
  bridge: { python, original: join(root, 'original') },
  lock: lockFile(),
  settings: { seed: 2021, trials: 1, data: { kind: 'generated', folder: join(folder, 'data') } },
};

/** A worker that does what the first word of a case's name says, and counts its starts in a file. */
const fakeWorker = `
import { appendFileSync } from 'node:fs';
appendFileSync(${JSON.stringify(starts)}, 'x');
const shims = (times) => [{ quirk: 'Q6', title: 'at the start', times: 1 }, { quirk: 'Q30', title: 'for cases', times }];
let runs = 0;
process.on('message', (request) => {
  if (request.kind === 'open') return process.send({ kind: 'opened', sides: {}, shims: shims(0).slice(0, 1) });
  if (request.kind === 'shims') return process.send({ kind: 'shims', shims: shims(runs) });
  const [word] = request.one.case.split(' ');
  if (word === 'dies') process.exit(3);
  if (word === 'throws') return process.send({ kind: 'error', message: 'no such case' });
  if (word === 'says') process.send({ kind: 'event', event: { kind: 'message', text: 'half way' } });
  runs++;
  const row = { suite: 'metrics', case: request.one.case, name: 'n', passed: word !== 'differs' };
  const broken = word === 'loses' ? [{ ...request.one, because: 'Python ended' }] : [];
  const observations = [{ kind: 'layers', suite: 'metrics', title: 't', limit: NaN, layers: [] }];
  const findings = { rows: broken.length ? [] : [row], notRunnable: [], notApplicable: [], broken, observations, seconds: { metrics: 2 } };
  setTimeout(() => process.send({ kind: 'ran', findings, lost: word === 'loses' }), word === 'slow' ? 1000 : 0);
});
`;

function casesOf(...names: string[]): Chosen {
  const cases = names.map((name): SuiteCase => ({ name, on: {}, run: async () => [] }));
  const suite: Suite = { name: 'metrics', summary: '', cases };
  return cases.map((one) => ({ suite, case: one }));
}

function spread(
  chosen: Chosen,
  options: Partial<SpreadOptions> = {},
  report: (event: ProgressEvent) => void = silent,
): Promise<CompareResult> {
  writeFileSync(starts, '');
  const module = join(folder, 'worker.mjs');
  return runSpread(chosen, settings, { workers: 2, secondsOf: () => 1, module, ...options }, report);
}

const casesIn = ({ rows }: Findings): string[] => rows.map((row) => row.case);

describe('runSpread', () => {
  beforeAll(() => writeFileSync(join(folder, 'worker.mjs'), fakeWorker));

  it('returns the findings in the order of the cases, whoever ends first, and adds up the seconds', async () => {
    const { findings } = await spread(casesOf('slow 1', 'a', 'b', 'c'));
    expect(casesIn(findings)).toEqual(['slow 1', 'a', 'b', 'c']);
    expect(findings.seconds).toEqual({ metrics: 8 });
    expect(findings.observations).toMatchObject(Array(4).fill({ limit: Number.NaN }));
  });

  it('begins with the longest case', async () => {
    const begun: string[] = [];
    const secondsOf = (_: string, name: string): number => ({ a: 1, b: 9, c: 5 })[name] ?? 0;
    const { findings } = await spread(casesOf('a', 'b', 'c'), { workers: 1, secondsOf }, (event) => {
      if (event.kind === 'progress') begun.push(`${event.detail}`);
    });
    expect(begun).toEqual(['metrics: b', 'metrics: c', 'metrics: a']);
    expect(casesIn(findings)).toEqual(['a', 'b', 'c']);
  });

  it('reports a case whose process or Python dies as broken off, and others go on in a new process', async () => {
    const { findings } = await spread(casesOf('dies', 'a', 'loses', 'b', 'throws', 'c'), { workers: 1 });
    expect(casesIn(findings)).toEqual(['a', 'b', 'c']);
    expect(findings.broken.map((one) => [one.case, one.because])).toEqual([
      ['dies', 'the process ended with code 3'],
      ['loses', 'Python ended'],
      ['throws', 'no such case'],
    ]);
    expect(exitCodeOf(findings)).toBe(2);
    expect(readFileSync(starts, 'utf8')).toBe('xxx');
  });

  it('after Ctrl-C, ends the running cases and reports what is done', async () => {
    const stop = new AbortController();
    const { findings } = await spread(casesOf('slow 1', 'slow 2', 'a', 'b'), { signal: stop.signal }, (event) => {
      if (event.kind === 'progress') stop.abort();
    });
    expect(casesIn(findings)[0]).toBe('slow 1');
    expect(findings.broken.at(-1)).toEqual({ suite: 'metrics', case: 'b', because: 'stopped before its turn' });
    expect(findings.rows.length + findings.broken.length).toBe(4);
  });

  it('until the first difference: reports the cases up to the first that differs in their order', async () => {
    const { findings } = await spread(casesOf('a', 'slow differs', 'differs 1', 'differs 2', 'b'), {
      untilFirst: true,
    });
    expect(casesIn(findings)).toEqual(['a', 'slow differs', 'differs 1']);
    expect(findings.broken).toEqual([]);
    expect(exitCodeOf(findings)).toBe(1);
  });

  it('adds up the shims of all processes, and counts those of the start once', async () => {
    const { shims } = await spread(casesOf('slow 1', 'slow 2', 'a'));
    expect(shims.map(({ quirk, times }) => [quirk, times])).toEqual([
      ['Q6', 1],
      ['Q30', 3],
    ]);
  });

  it('passes on what cases say', async () => {
    const said: string[] = [];
    await spread(casesOf('says', 'a'), {}, (event) => {
      if (event.kind === 'message') said.push(event.text);
    });
    expect(said).toEqual(['half way']);
  });

  it('a process that cannot start ends the comparison with its reason', async () => {
    const module = join(folder, 'refusing.mjs');
    writeFileSync(module, `process.on('message', () => process.send({ kind: 'error', message: 'no Python here' }));`);
    await expect(spread(casesOf('a', 'b'), { module })).rejects.toThrow(/^no Python here$/);
  });

  it('two processes find what one finds, except for times', async () => {
    const cases = metrics.cases.filter(({ quick }) => quick === true).slice(0, 4);
    const chosen = cases.map((one) => ({ suite: metrics, case: one }));
    const one = await runHere(chosen, settings, {}, silent);
    const two = await runSpread(chosen, settings, { workers: 2, secondsOf: () => 1 }, silent);
    expect(one.findings.rows.length).toBeGreaterThan(4);
    expect({ ...two, findings: { ...two.findings, seconds: {} } }).toEqual({
      ...one,
      findings: { ...one.findings, seconds: {} },
    });
    expect(Object.keys(two.findings.seconds)).toEqual(['metrics']);
  }, 300_000);
});
