import { describe, expect, it } from 'vitest';
import type { Observation } from '../../../src/compare/observations.ts';
import { toHtml } from '../../../src/compare/report/html.ts';
import { pictureOf } from '../../../src/compare/report/pictures.ts';
import { comparisonOf, observations, passedRows } from './example.ts';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const series = (y: readonly number[]) => [{ name: '', side: 'port', x: y.map((_, i) => i), y }] as const;
const curves = (y: readonly number[], logarithmic = false): Observation => ({
  kind: 'curves',
  title: 'c',
  x: 'step',
  y: 'loss',
  logarithmic,
  series: series(y),
});
const estimates = (y: readonly number[], reach = 0.1): Observation => ({
  kind: 'estimates',
  title: 'e',
  x: 'part',
  y: 'F1',
  ticks: y.map((_, i) => ({ at: i, label: `${i} %` })),
  series: [
    {
      name: 'beat',
      x: y.map((_, i) => i),
      y,
      low: y.map((value) => value - reach),
      high: y.map((value) => value + reach),
    },
  ],
});
const layers = (differences: readonly number[], limit: number): Observation => ({
  kind: 'layers',
  title: 'l',
  limit,
  layers: differences.map((difference, i) => ({ name: `layer${i}`, difference })),
});
const strip = (samples: readonly number[], fs = 250): Observation => ({
  kind: 'strip',
  title: 's',
  fs,
  leads: [{ name: 'I', samples }],
  truth: 'N',
  port: 'N',
  original: 'N',
});

describe('pictureOf', () => {
  it.each<[string, Observation]>([
    ['no series', { kind: 'curves', title: 'c', x: 'x', y: 'y', series: [] }],
    ['an empty series', curves([])],
    ['one point', curves([0.5])],
    ['a constant', curves([1, 1, 1])],
    ['gaps', curves([1, nan, infinity, 0.5])],
    ['nothing but gaps', curves([nan, nan])],
    ['zeros on a logarithmic axis', curves([0, 0], true)],
    ['values far apart', curves([1e-300, 1e300], true)],
    ['x shorter than y', { kind: 'roc', title: 'r', series: [{ name: '', side: 'port', x: [0], y: [0, 1] }] }],
    ['no estimates', estimates([])],
    ['one estimate', estimates([0.5])],
    ['estimates without intervals', estimates([0.5, nan], nan)],
    ['an estimate at a place that the axis does not have', { ...estimates([0.5, 0.6]), ticks: [] } as Observation],
    ['no layers', layers([], 1e-11)],
    ['equal layers', layers([0, 0], 1e-11)],
    ['layers that are not comparable', layers([infinity, nan, 1e-12], 1e-11)],
    ['a limit of nothing', layers([0, 1e-12], 0)],
    ['no classes', { kind: 'confusion', title: 'm', classes: [], port: [], original: [] }],
    ['a matrix of one side only', { kind: 'confusion', title: 'm', classes: ['N'], port: [[1]], original: [] }],
    [
      'an empty class',
      {
        kind: 'confusion',
        title: 'm',
        classes: ['N', 'A'],
        port: [
          [0, 0],
          [1, 1],
        ],
        original: [
          [0, 0],
          [1, 1],
        ],
      },
    ],
    ['no leads', { kind: 'strip', title: 's', fs: 250, leads: [], truth: 'N', port: 'N', original: 'N' }],
    ['an empty lead', strip([])],
    ['a flat lead', strip([0, 0, 0])],
    ['a lead with gaps', strip([0, nan, 1])],
  ])('draws %s', (_title, observation) => {
    const { svg, words, width } = pictureOf(observation)!;
    expect(svg.text).toMatch(/^<svg viewBox="0 0 [\d.]+ [\d.]+" .*role="img" aria-label="[^"]+">/);
    expect(svg.text.replace(/aria-label="[^"]*"/, '')).not.toMatch(/NaN|Infinity|undefined/);
    expect(words).not.toMatch(/undefined/);
    expect(width).toBeGreaterThan(0);
  });

  it('says estimates with their intervals, and labels their places', () => {
    const { words, svg } = pictureOf(estimates([0.5, 0.625]))!;
    expect(words).toBe('e: F1 by part. beat: 0 % 0.500 [0.400, 0.600], 1 % 0.625 [0.525, 0.725].');
    expect(svg.text).toMatch(/>0 %<\/text>.*>1 %<\/text>/s);
    expect(pictureOf(estimates([0.5], nan))!.words).toBe('e: F1 by part. beat: 0 % 0.500.');
  });

  it('says how many values it leaves out', () => {
    expect(pictureOf(curves([1, nan, 2]))!.words).toContain('Not drawn: 1 value that is not finite.');
    expect(pictureOf(curves([1, 0, -1, infinity], true))!.words).toContain(
      'Not drawn: 3 values that are not positive or not finite.',
    );
  });

  it('draws no picture of a table', () => {
    expect(pictureOf({ kind: 'table', title: 't', columns: [], rows: [] })).toBeUndefined();
  });
});

describe('a picture that cannot be drawn', () => {
  it('costs a report nothing but the picture', () => {
    const broken = { ...observations[2], classes: undefined } as unknown as (typeof observations)[number];
    const page = toHtml(comparisonOf({ rows: passedRows, observations: [broken, ...observations] }));
    expect(page).toContain('this picture could not be drawn: ');
    expect(page.match(/<svg [^>]*role="img"/g)).toHaveLength(6);
  });
});
