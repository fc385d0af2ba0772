import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Observation } from '../../../src/compare/observations.ts';
import { type Comparison, writeReport } from '../../../src/compare/report/index.ts';
import { openBrowser, visit } from '../../page/browser.ts';
import { closeRow, comparisonOf, exactRow, observations, passedRows } from './example.ts';

const opened = await openBrowser();
if (typeof opened === 'string')
  process.stderr.write(`the pages of reports were not opened: no Chromium here: ${opened}\n`);
const browser = opened as Browser;

const folder = mkdtempSync(join(tmpdir(), 'report-html-'));
afterEach(async () => {
  if (typeof opened !== 'string') for (const context of opened.contexts()) await context.close();
});
afterAll(async () => {
  if (typeof opened !== 'string') await opened.close();
  rmSync(folder, { recursive: true });
});

const written = new Map<Comparison, Promise<string>>();

/** The page of a comparison, written once. */
function pageOf(comparison: Comparison): Promise<string> {
  const known = written.get(comparison);
  if (known) return known;
  const target = join(folder, String(written.size));
  const page = writeReport(target, comparison).then(() => join(target, 'report.html'));
  written.set(comparison, page);
  return page;
}

const unfinished = { suite: 'resume', case: 'kill', because: 'this original has no seed' } as const;
const failed = closeRow('gradients', 'gradients of 3 weights', { passed: false, difference: 2e-11 });
const mixed = comparisonOf({
  rows: [...passedRows, failed],
  notRunnable: [unfinished],
  broken: [{ ...unfinished, suite: 'weights', because: 'Python ended' }],
  observations,
  seconds: { gradients: 61 },
});

/** A name as an attacker would choose it, in every place that a name can stand. */
const hostile = `"'><script>window.owned=1</script><img src=https://example.org/x onerror="window.owned=1"><style>*{display:none}</style>&lt;]]>\u202e{a|b}${'x'.repeat(300)}`;

function renamed(observation: Observation): Observation {
  const one = { ...observation, title: hostile };
  const all = <T extends { readonly name: string }>(named: readonly T[]): T[] =>
    named.map((of) => ({ ...of, name: hostile }));
  switch (one.kind) {
    case 'curves':
      return { ...one, x: hostile, y: hostile, note: hostile, series: all([...one.series, ...one.series]) };
    case 'roc':
      return { ...one, series: all(one.series) };
    case 'estimates': {
      const ticks = one.ticks.map((tick) => ({ ...tick, label: hostile }));
      return { ...one, x: hostile, y: hostile, note: hostile, ticks, series: all(one.series) };
    }
    case 'layers':
      return { ...one, layers: all(one.layers) };
    case 'confusion':
      return { ...one, classes: one.classes.map(() => hostile) };
    case 'strip':
      return { ...one, truth: hostile, port: hostile, original: hostile, leads: all(one.leads) };
    case 'table':
      return { ...one, columns: one.columns.map(() => hostile), rows: [[hostile, hostile, 1]], note: hostile };
  }
}

const hostileComparison: Comparison = comparisonOf(
  {
    rows: [
      exactRow('files', hostile, { case: hostile }),
      exactRow('files', hostile, {
        case: `${hostile}2`,
        passed: false,
        difference: 1,
        note: hostile,
        worst: { array: hostile, index: [1], port: hostile, original: hostile },
      }),
      closeRow('gradients', hostile, { reason: hostile }),
    ],
    notRunnable: [{ suite: 'resume', case: hostile, because: hostile }],
    broken: [{ suite: 'weights', case: hostile, because: hostile }],
    observations: observations.map((one) => ({ ...renamed(one), suite: one.suite })),
  },
  { title: hostile, command: hostile, settings: [hostile], shims: [hostile], begun: hostile },
);

describe('the source of report.html', () => {
  let source = '';
  beforeAll(async () => {
    source = readFileSync(await pageOf(mixed), 'utf8');
  });

  it('forbids everything but its own style sheet', () => {
    expect(source).toMatch(
      /<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-[\w+/=]{44}&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;">/,
    );
    expect(source.indexOf('Content-Security-Policy')).toBeLessThan(source.indexOf('<style>'));
  });

  it('has no script, no inline style and no address outside of itself', () => {
    expect(source).not.toMatch(/<script|<link|<iframe|<object|<embed| on\w+=| style=|url\((?!#)|@import/i);
    expect(source.match(/\b(href|src|xlink:href)="[^#][^"]*"/g)).toBeNull();
  });

  it('has unique ids, and no link to one that is not there', () => {
    const ids = [...source.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const targets = [...source.matchAll(/(?:href="|labelledby="|url\()#?([\w-]+)/g)].map(([, id]) => id);
    expect(targets.length).toBeGreaterThan(10);
    expect(targets.filter((id) => !ids.includes(id))).toEqual([]);
  });
});

describe.skipIf(typeof opened === 'string')('report.html in Chromium', () => {
  it('says the verdict first, then what did not pass, then the ladder', async () => {
    const { page, complaints, requests } = await visit(browser, await pageOf(mixed));
    expect(await page.title()).toBe('FAILED: Port against original');
    const headings = await page.locator('h1, h2').allInnerTexts();
    expect(headings.map((text) => text.replace(/^\W+/, ''))).toEqual([
      'Port against original',
      'FAILED',
      'What did not pass',
      'Ladder',
      'Suites',
      'Limits and the noise behind them',
      'Both sides',
      'Repeat it',
    ]);
    const verdict = await page.locator('.verdict').innerText();
    expect(verdict).toContain('Against upstream c255af5 (tree 1f0c2d3e4f5a)');
    expect(verdict).toContain('1 row of 6 differs; 1 case not runnable, 1 case broken off');
    const trouble = await page.locator('#trouble').innerText();
    for (const words of ['gradients of 3 weights', '22,518 ulp', 'this original has no seed', 'Python ended']) {
      expect(trouble).toContain(words);
    }
    expect(
      await page.locator('section', { has: page.getByRole('heading', { name: 'weights', exact: true }) }).innerText(),
    ).toContain('no rows · 1 case broken off');
    expect([complaints, requests]).toEqual([[], []]);
  });

  it('shows a run that could not run as such', async () => {
    const { page } = await visit(browser, await pageOf(comparisonOf({ rows: passedRows, broken: [unfinished] })));
    expect(await page.locator('.verdict h2').innerText()).toContain('COULD NOT RUN');
    expect(await page.locator('.verdict').getAttribute('class')).toBe('verdict open');
  });

  it('has a picture with a text alternative for every observation but tables', async () => {
    const { page } = await visit(browser, await pageOf(mixed));
    const pictures = await page.getByRole('img').all();
    const labels = await Promise.all(pictures.map((one) => one.getAttribute('aria-label')));
    expect(labels).toHaveLength(6);
    expect(labels[0]).toMatch(
      /^Error by layer, resnet18: .* of 20 layers, limit 1\.0e-11\. Largest: conv19, 1\.9e-13\. 1 differ/,
    );
    expect(labels[1]).toMatch(
      /^Free-running float32.*port: 60 points, from 0\.9782 to 0\.002166\. original: 60 points.*noise: float64: 60/,
    );
    expect(labels[2]).toContain('leads I, II, V1, normalised. Truth N; port N 0.93; original N 0.93.');
    expect(labels[3]).toContain('2 cells differ and are framed');
    expect(labels[5]).toMatch(/^Macro F1 by part.*beat: 10 % 0\.500 \[0\.400, 0\.600\], 100 % 0\.700/);
    for (const picture of pictures) expect((await picture.boundingBox())!.height).toBeGreaterThan(100);
    const table = page.getByRole('table', { name: /F1 of five trials/ });
    expect(await table.innerText()).toMatch(/pretrained\s+0\.781\s+NaN/);
  });

  it('begins with the tables of headlines, before the proof', async () => {
    const headline = { ...observations.at(-1)!, headline: true } as (typeof observations)[number];
    const { page } = await visit(browser, await pageOf(comparisonOf({ rows: passedRows, observations: [headline] })));
    const headings = await page.locator('h2').allInnerTexts();
    expect(headings.slice(1, 4)).toEqual(['Results', 'Ladder', 'Suites']);
    expect(await page.locator('#results table').count()).toBe(1);
    expect(await page.getByText('F1 of five trials').count()).toBe(1);
    expect(await page.locator('#suites tbody tr').count()).toBe(5);
  });

  it.each([
    ['light', false],
    ['dark', true],
  ])('draws both sides, the noise and the limit so that they can be seen: %s', async (_scheme, dark) => {
    const opened = await visit(browser, await pageOf(mixed), { dark });
    const strokes = await opened.ask<Record<string, number>>('strokeContrasts()');
    for (const name of ['port', 'original', 'noise', 'bad', 'ink']) {
      expect(strokes[`var(--${name})`]).toBeGreaterThan(3);
    }
  });

  it.each([
    ['usual', mixed],
    ['hostile', hostileComparison],
  ])('keeps the texts of pictures inside of them and apart: %s names', async (_names, comparison) => {
    const opened = await visit(browser, await pageOf(comparison));
    expect(await opened.ask('badTexts()')).toEqual([]);
  });

  it('gives every table a caption and every head a scope', async () => {
    const opened = await visit(browser, await pageOf(mixed));
    const faults = await opened.ask<{ count: number }>('tableFaults()');
    expect(faults.count).toBeGreaterThan(8);
    expect(faults).toMatchObject({ nameless: 0, headless: 0, scopeless: 0, ragged: 0 });
  });

  it.each([
    [360, 'usual', mixed],
    [360, 'hostile', hostileComparison],
    [1280, 'usual', mixed],
    [1280, 'hostile', hostileComparison],
  ])('is not wider than a window of %i pixels with %s names', async (width, _names, comparison) => {
    const opened = await visit(browser, await pageOf(comparison), { width });
    await opened.ask('unfold()');
    expect(await opened.ask('overflow()')).toEqual({ excess: 0, outside: [] });
  });

  it.each([
    ['light', false, 'rgb(246, 247, 249)'],
    ['dark', true, 'rgb(16, 20, 24)'],
  ])('has texts of enough contrast: %s', async (_scheme, dark, background) => {
    const passed = comparisonOf({ rows: passedRows, observations });
    const open = comparisonOf({ rows: passedRows, broken: [unfinished] });
    for (const comparison of [mixed, passed, open]) {
      const opened = await visit(browser, await pageOf(comparison), { dark, height: 12_000 });
      await opened.ask('unfold()');
      const found = await opened.ask<{ text: string; ratio: number }[]>('contrasts()');
      expect(found.length).toBeGreaterThan(150);
      expect(found.filter(({ ratio }) => !(ratio >= 4.5))).toEqual([]);
      expect(await opened.value('getComputedStyle(document.body).backgroundColor')).toBe(background);
    }
  });

  it('can be read by keyboard alone: every box that scrolls and every folded part is reached, in sight', async () => {
    const opened = await visit(browser, await pageOf(mixed), { width: 360 });
    const { page } = opened;
    const boxes = new Set<number>();
    let left = false;
    for (let step = 0; step < 400 && !left; step++) {
      await page.keyboard.press('Tab');
      const at = await opened.ask<Focus>('focused()');
      if (at.tag === 'SUMMARY') await page.keyboard.press('Enter');
      if (at.scrolls) {
        expect(at.label).not.toBe('');
        expect(at.outline).not.toBe('none');
        boxes.add(at.number);
      }
      left = at.tag === 'BODY';
    }
    expect(left).toBe(true);
    expect(boxes.size).toBe(await page.locator('.scroll').count());
    expect(await page.locator('details:not([open])').count()).toBe(0);
  });

  it('scrolls a wide table by keyboard', async () => {
    const opened = await visit(browser, await pageOf(mixed), { width: 360 });
    await opened.page.locator('#ladder .scroll').focus();
    await opened.page.keyboard.press('ArrowRight');
    const position = (): Promise<number> => opened.value("document.querySelector('#ladder .scroll').scrollLeft");
    await expect.poll(position).toBeGreaterThan(0);
  });

  it('begins with a link that skips to the verdict', async () => {
    const { page } = await visit(browser, await pageOf(mixed));
    await page.keyboard.press('Tab');
    const skip = page.locator('a:focus');
    expect(await skip.innerText()).toBe('Skip to the verdict');
    expect((await skip.boundingBox())!.y).toBeGreaterThanOrEqual(0);
    await page.keyboard.press('Enter');
    expect(page.url()).toMatch(/#main$/);
  });

  it('folds what passed, and prints it all the same', async () => {
    const { page } = await visit(browser, await pageOf(mixed));
    const row = page.locator('details tbody tr:not(.case)').first();
    const height = async (): Promise<number> => (await row.boundingBox())?.height ?? 0;
    expect(await row.isVisible()).toBe(false);
    await page.emulateMedia({ media: 'print' });
    expect(await row.isVisible()).toBe(true);
    expect(await height()).toBeGreaterThan(10);
  });

  it('takes no name for anything but text', async () => {
    const opened = await visit(browser, await pageOf(hostileComparison));
    await opened.ask('unfold()');
    expect(await opened.value("'owned' in window")).toBe(false);
    expect(await opened.page.locator('script, img, main style, [onerror]').count()).toBe(0);
    expect([opened.complaints, opened.requests]).toEqual([[], []]);
    const text = await opened.page.locator('#trouble').innerText();
    expect(text).toContain('<script>window.owned=1</script>');
    expect(text).toContain('\\u202e');
  });

  it('would run and fetch nothing even if a name came through', async () => {
    const file = join(folder, 'breached.html');
    const source = readFileSync(await pageOf(mixed), 'utf8');
    const breach =
      '<script>window.owned=1</script><p style="color:red">x</p><img src="https://example.org/x"><style>h1{color:red}</style>';
    writeFileSync(file, source.replace('</main>', `${breach}</main>`));
    const opened = await visit(browser, file);
    expect(await opened.value("'owned' in window")).toBe(false);
    expect(await opened.value("getComputedStyle(document.querySelector('h1')).color")).not.toBe('rgb(255, 0, 0)');
    expect(opened.complaints.filter((text) => /Content Security Policy/i.test(text))).toHaveLength(4);
  });

  it('stays readable with thousands of rows: failed ones first, passed ones folded', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => {
      const passed = i !== 2500;
      return closeRow('gradients', `row ${i}`, { case: `case ${i % 50}`, passed, difference: passed ? 1e-12 : 1e-10 });
    });
    const opened = await visit(browser, await pageOf(comparisonOf({ rows })), { width: 360 });
    const lines = opened.page.locator('#suite-1 tbody tr:not(.case)');
    expect(await lines.count()).toBe(3000);
    expect(await lines.first().innerText()).toContain('row 2500');
    expect(await opened.page.locator('#suite-1 summary').innerText()).toContain('2,999 rows passed');
    expect(await opened.value('document.documentElement.scrollHeight')).toBeLessThan(8000);
  });
});

interface Focus {
  readonly tag: string;
  readonly number: number;
  readonly label: string;
  readonly outline: string;
  readonly scrolls: boolean;
}
