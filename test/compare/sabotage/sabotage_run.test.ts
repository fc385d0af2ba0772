import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runSabotage, type SabotageOptions } from '../../../src/compare/sabotage/index.ts';
import { namedMutants } from '../../../src/compare/sabotage/named.ts';
import { copySources } from '../../../src/compare/sabotage/trees.ts';
import type { ProgressEvent } from '../../../src/events.ts';
import { python, root } from '../../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'ecg-transplant-sabotage-'));
const project = join(folder, 'project');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const chosen = ['bounded integers by remainder instead of rejection', 'bradycardia begins below 50 beats a minute'];
const harmless = {
  name: 'nothing is changed but a comment',
  file: 'port/transplant/datasets/icentia11k/labels.ts',
  search: 'function largest(totals: ArrayLike<number>',
  replacement: 'function largest(/* unchanged */ totals: ArrayLike<number>',
  suite: 'sampling',
} as const;

const options: SabotageOptions = {
  // A copy, so that nobody changes the sources between the two runs.
  project,
  folder: join(folder, 'job'),
  count: 0,
  seed: 2021,
  only: ['sampling'],
  named: [...namedMutants.filter(({ name }) => chosen.includes(name)), harmless],
  bridge: { python, original: join(root, 'original') },
  settings: { data: { kind: 'generated', folder: join(folder, 'data') }, seed: 2021, trials: 1 },
};

function digestOfSources(): string {
  const hash = createHash('sha256');
  for (const file of ['icentia11k/labels.ts', 'icentia11k/sampling.ts', 'icentia11k/files.ts']) {
    hash.update(readFileSync(join(project, 'src/port/transplant/datasets', file)));
  }
  return hash.update(readFileSync(join(project, 'src/lib/numpy/random.ts'))).digest('hex');
}

it('a run that was stopped goes on; the suite notices two errors and passes the sources that are sound', {
  timeout: 300_000,
}, async () => {
  copySources(root, project);
  const before = digestOfSources();
  const events: ProgressEvent[] = [];
  const first = await runSabotage({ ...options, minutes: 0 }, (event) => events.push(event));
  expect(first.cases.length).toBeGreaterThan(5);
  expect(first.cases.filter(({ passed }) => !passed)).toEqual([]);
  expect(first.reached).toBeGreaterThan(500);
  expect(first.named.every(({ trial }) => trial === undefined)).toBe(true);

  const { named } = await runSabotage(options, (event) => events.push(event));
  const outcomes = named.map(({ mutant, trial }) => [mutant.id, trial?.outcome, trial?.how]);
  expect(new Set(outcomes)).toEqual(
    new Set([
      ...chosen.map((name) => [name, 'caught', 'failed row']),
      ['nothing is changed but a comment', 'survived', undefined],
    ]),
  );
  // The undamaged port ran once only.
  const surveys = events.filter((event) => event.kind === 'start' && event.task === 'Running the undamaged port');
  expect(surveys.length).toBe(1);
  expect(readdirSync(join(folder, 'job'))).toEqual(['journal.jsonl']);
  expect(digestOfSources()).toBe(before);
});
