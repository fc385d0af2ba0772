import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compareEvaluations, evaluate } from '../../src/evaluate/evaluation.ts';
import { evaluationPage, type PageEntry } from '../../src/evaluate/page.ts';
import { openPredictions, type Predictions } from '../../src/evaluate/predictions.ts';
import { openBrowser, visit } from '../page/browser.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { writePredictions } from './predictions.ts';

const opened = await openBrowser();
if (typeof opened === 'string')
  process.stderr.write(`the pages of evaluations were not opened: no Chromium here: ${opened}\n`);
const browser = opened as Browser;
afterEach(async () => {
  if (typeof opened !== 'string') for (const context of opened.contexts()) await context.close();
});
afterAll(async () => {
  if (typeof opened !== 'string') await opened.close();
});

const folder = temporaryFolder();
const hostile = `"'><script>window.owned=1</script><img src=https://example.org/x onerror="window.owned=1"><style>*{display:none}</style>&lt;]]>\u202e{a|b}${'x'.repeat(300)}`;

function entryOf(predictions: Predictions, first?: PageEntry): PageEntry {
  const evaluation = evaluate(predictions, { resamples: 20 });
  const leads = ['I', 'II'].map((name) => ({ name, samples: Array.from({ length: 500 }, (_, i) => Math.sin(i / 9)) }));
  const epochs = Float64Array.of(0, 1, 2);
  const curve = { epochs, training: Float64Array.of(3, 2, 1), validation: Float64Array.of(3, 2.5, 2.4) };
  return {
    evaluation,
    curves: [{ metric: 'loss', ...curve }],
    strips: new Map(
      evaluation.wrong.records.slice(0, 1).map(({ row, record }) => [row, { title: record, fs: 250, leads }]),
    ),
    ...(first && { difference: compareEvaluations(first.evaluation, evaluation) }),
    notes: ['The recordings are not known.'],
  };
}

const pages: Record<string, string> = {};
beforeAll(() => {
  const good = entryOf(openPredictions(writePredictions(folder, 'good.csv')));
  const poor = entryOf(openPredictions(writePredictions(folder, 'poor.csv', { noise: 0.95, seed: 2 })), good);
  const named = openPredictions(writePredictions(folder, 'several.csv', { multiLabel: true }));
  const many = entryOf(named);
  const rename = (names: readonly string[]): string[] => names.map(() => hostile);
  const { evaluation } = poor;
  const bad: PageEntry = {
    ...poor,
    evaluation: {
      ...evaluation,
      predictions: { ...evaluation.predictions, name: hostile, classes: rename(evaluation.predictions.classes) },
      classes: evaluation.classes.map((one) => ({ ...one, name: hostile })),
      wrong: {
        ...evaluation.wrong,
        records: evaluation.wrong.records.map((one) => ({
          ...one,
          record: hostile,
          truth: rename(one.truth),
          predicted: rename(one.predicted),
        })),
      },
    },
    notes: [hostile],
  };
  const page = (entries: readonly PageEntry[], title = 'Evaluation'): string =>
    evaluationPage({
      title,
      entries,
      words: new Map([['A', 'atrial fibrillation']]),
      command: title,
      notice: 'For research.',
    });
  for (const [name, source] of Object.entries({
    single: page([good]),
    several: page([many]),
    both: page([good, poor]),
    hostile: page([bad], hostile),
  })) {
    pages[name] = join(folder, `${name}.html`);
    writeFileSync(pages[name], source);
  }
});

describe.skipIf(typeof opened === 'string')('report.html of predictions in Chromium', () => {
  it('has the scores first, then every part that the predictions allow', async () => {
    const headings = async (name: string): Promise<string[]> => {
      const { page, complaints, requests } = await visit(browser, pages[name]);
      expect([complaints, requests]).toEqual([[], []]);
      return page.locator('h1, h2').allInnerTexts();
    };
    const rest = ['Curves of each class', 'Most surely wrong', 'Repeat it'];
    expect(await headings('single')).toEqual([
      'Evaluation',
      'Scores',
      'Classes',
      'Learning curves',
      'Confusion',
      ...rest,
    ]);
    // With several labels there is no matrix of classes.
    expect(await headings('several')).toEqual(['Evaluation', 'Scores', 'Classes', 'Learning curves', ...rest]);
    expect(await headings('both')).toContain('Differences on the same records');
  });

  it('has a picture with a text alternative for each curve, and the strip with what was predicted', async () => {
    const { page } = await visit(browser, pages.single);
    const labels = await Promise.all((await page.getByRole('img').all()).map((one) => one.getAttribute('aria-label')));
    // Loss, confusion, three for each of four classes, a strip.
    expect(labels).toHaveLength(1 + 1 + 12 + 1);
    expect(labels[1]).toMatch(/^Confusion matrix of 4 classes \(A, N, O, ~\), 120 records\./);
    expect(labels[2]).toMatch(
      /^A: Receiver operating characteristic: true positive rate by false positive rate\. good: \d+ points, from 0 to 1\./,
    );
    expect(labels.at(-1)).toMatch(/ECG of 2\.0 seconds, leads I, II\. Truth .*; predicted .*\./);
    expect(await page.getByText('A (atrial fibrillation)').count()).toBeGreaterThan(1);
  });

  it('says why a curve is missing', async () => {
    const only = writePredictions(folder, 'only.csv', { records: 3 });
    const entry = entryOf(openPredictions(only));
    const file = join(folder, 'only.html');
    const words = new Map<string, string>();
    writeFileSync(file, evaluationPage({ title: 'x', entries: [entry], words, command: 'x', notice: 'x' }));
    const { page } = await visit(browser, file);
    expect(await page.getByText('not defined, since no record has the class').count()).toBe(2);
  });

  it.each([
    [390, 'single'],
    [390, 'both'],
    [390, 'hostile'],
    [1280, 'both'],
    [1280, 'hostile'],
  ])('is not wider than a window of %i pixels, and keeps the texts of pictures apart: %s', async (width, name) => {
    const seen = await visit(browser, pages[name], { width });
    await seen.ask('unfold()');
    expect(await seen.ask('overflow()')).toEqual({ excess: 0, outside: [] });
    expect(await seen.ask('badTexts()')).toEqual([]);
    expect(await seen.ask('tableFaults()')).toMatchObject({ nameless: 0, headless: 0, scopeless: 0, ragged: 0 });
    expect(await seen.value("'owned' in window")).toBe(false);
    expect([seen.complaints, seen.requests]).toEqual([[], []]);
  });

  it.each([
    ['light', false],
    ['dark', true],
  ])('has texts and lines of enough contrast: %s', async (_scheme, dark) => {
    const seen = await visit(browser, pages.both, { dark, height: 12_000 });
    await seen.ask('unfold()');
    const texts = await seen.ask<{ text: string; ratio: number }[]>('contrasts()');
    expect(texts.length).toBeGreaterThan(150);
    expect(texts.filter(({ ratio }) => !(ratio >= 4.5))).toEqual([]);
    const strokes = await seen.ask<Record<string, number>>('strokeContrasts()');
    for (const name of ['port', 'original']) expect(strokes[`var(--${name})`]).toBeGreaterThan(3);
  });

  it('can be read by keyboard alone: every box that scrolls is reached, in sight', async () => {
    const seen = await visit(browser, pages.both, { width: 390 });
    const boxes = new Set<number>();
    for (let step = 0; step < 200; step++) {
      await seen.page.keyboard.press('Tab');
      const focus = await seen.ask<{ tag: string; number: number; label: string; outline: string; scrolls: boolean }>(
        'focused()',
      );
      if (focus.tag === 'BODY') break;
      if (!focus.scrolls) continue;
      expect(focus.label).not.toBe('');
      expect(focus.outline).not.toBe('none');
      boxes.add(focus.number);
    }
    expect(boxes.size).toBe(await seen.page.locator('.scroll').count());
  });
});
