import type { EChartsCoreOption } from 'echarts/core';
import { counted } from '../../text.ts';
import type { Observation, Series } from '../observations.ts';
import { axisStyle, colours, drawChart, legendLines, legendStyle, type Picture, usualWidth } from './charts.ts';
import { confusionPicture } from './confusion_picture.ts';
import { estimatesPicture } from './estimates_picture.ts';
import { brief, plain, scientific } from './figures.ts';
import { stripPicture } from './strip_picture.ts';

type Of<K extends Observation['kind']> = Extract<Observation, { readonly kind: K }>;

/** The picture of an observation; undefined for a table. */
export function pictureOf(observation: Observation): Picture | undefined {
  switch (observation.kind) {
    case 'curves':
      return curvesPicture(observation);
    case 'estimates':
      return estimatesPicture(observation);
    case 'layers':
      return layersPicture(observation);
    case 'confusion':
      return confusionPicture(observation);
    case 'roc':
      return rocPicture(observation);
    case 'strip':
      return stripPicture(observation);
    case 'table':
      return undefined;
  }
}

const strokes = {
  port: { color: colours.port, width: 4.5, type: 'solid' },
  // Drawn over the port's line: where both are equal, the port's blue shows between the dashes.
  original: { color: colours.original, width: 2, type: [8, 6] },
  noise: { color: colours.noise, width: 1.5, type: [2, 3] },
} as const;

const drawingOrder = ['noise', 'port', 'original'] as const;

function curvesPicture({ title, x, y, logarithmic = false, series }: Of<'curves'>): Picture {
  const dropped = series.reduce(
    (sum, one) => sum + points(one, logarithmic).filter(([, value]) => value === null).length,
    0,
  );
  const words = [
    `${plain(title)}: ${plain(y)} by ${plain(x)}.`,
    ...series.map((one) => `${sideOf(one)}: ${describeSeries(one)}.`),
    dropped > 0
      ? `Not drawn: ${counted(dropped, 'value')} that ${dropped === 1 ? 'is' : 'are'} ${logarithmic ? 'not positive or ' : ''}not finite.`
      : '',
  ];
  return picture(words, usualWidth, 280 + 22 * legendLines(series.map(sideOf)), {
    ...legend(series),
    grid: { left: 64, right: 18, top: 14 + 22 * legendLines(series.map(sideOf)), bottom: 48 },
    xAxis: {
      type: 'value',
      name: brief(x, 40),
      nameLocation: 'middle',
      nameGap: 28,
      min: 'dataMin',
      max: 'dataMax',
      ...axisStyle,
    },
    yAxis: {
      type: logarithmic ? 'log' : 'value',
      scale: true,
      name: brief(y, 28),
      nameLocation: 'middle',
      nameGap: 46,
      ...axisStyle,
      axisLabel: { ...axisStyle.axisLabel, formatter: shortNumber },
    },
    series: lines(series, logarithmic),
  });
}

function rocPicture({ title, series }: Of<'roc'>): Picture {
  const words = [
    `${plain(title)}: true by false positive rate.`,
    ...series.map((one) => `${sideOf(one)}: ${describeSeries(one)}.`),
  ];
  const axis = { type: 'value', min: 0, max: 1, nameLocation: 'middle', ...axisStyle };
  const chance = {
    type: 'line',
    silent: true,
    symbol: 'none',
    lineStyle: { color: colours.faint, width: 1, type: [1, 3] },
  };
  return picture(words, usualWidth, 400 + 22 * legendLines(series.map(sideOf)), {
    ...legend(series),
    grid: { left: 56, right: 18, top: 18 + 22 * legendLines(series.map(sideOf)), bottom: 48 },
    xAxis: { ...axis, name: 'false positive rate', nameGap: 28 },
    yAxis: { ...axis, name: 'true positive rate', nameGap: 38 },
    series: [
      {
        ...chance,
        data: [
          [0, 0],
          [1, 1],
        ],
      },
      ...lines(series, false),
    ],
  });
}

function layersPicture({ title, layers, limit }: Of<'layers'>): Picture {
  const finite = layers.map(({ difference }) => difference).filter((value) => value > 0 && Number.isFinite(value));
  const shown = limit > 0 ? [limit, ...finite] : finite;
  const least = shown.length > 0 ? Math.min(...shown) / 10 : 1e-16;
  const most = shown.length > 0 ? Math.max(...shown) * 10 : 1;
  const worst = layers.reduce<(typeof layers)[number] | undefined>(
    (found, layer) => (found && !(layer.difference > found.difference) ? found : layer),
    undefined,
  );
  const equal = layers.filter(({ difference }) => difference === 0).length;
  const lost = layers.filter(({ difference }) => !Number.isFinite(difference)).length;
  const words = [
    `${plain(title)}: largest relative difference of ${layers.length} layers, limit ${scientific(limit)}.`,
    worst
      ? `Largest: ${plain(worst.name)}, ${Number.isFinite(worst.difference) ? scientific(worst.difference) : 'not comparable'}.`
      : '',
    equal > 0 ? `${equal} differ in no bit and lie on the lower edge.` : '',
    lost > 0 ? `${lost} are not comparable and lie on the upper edge.` : '',
  ];
  const data = layers.map(({ difference }, i) => [
    i + 1,
    Number.isFinite(difference) ? Math.max(difference, least) : most,
  ]);
  return picture(words, usualWidth, 300, {
    legend: { ...legendStyle, data: ['layers', `limit ${scientific(limit)}`] },
    grid: { left: 64, right: 18, top: 34, bottom: 48 },
    xAxis: {
      type: 'value',
      name: 'layer, in the order of the network',
      nameLocation: 'middle',
      nameGap: 28,
      min: 0,
      max: layers.length + 1,
      ...axisStyle,
      axisLabel: { ...axisStyle.axisLabel, showMaxLabel: false },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'log',
      min: least,
      max: most,
      ...axisStyle,
      axisLabel: { ...axisStyle.axisLabel, formatter: shortNumber },
    },
    series: [
      {
        type: 'line',
        name: `limit ${scientific(limit)}`,
        silent: true,
        symbol: 'none',
        lineStyle: { color: colours.bad, width: 2, type: [6, 4] },
        data: [
          [0, limit],
          [layers.length + 1, limit],
        ],
      },
      {
        type: 'line',
        silent: true,
        symbol: 'circle',
        symbolSize: 5,
        name: 'layers',
        lineStyle: { color: colours.port, width: 1 },
        itemStyle: { color: colours.port, borderColor: colours.port },
        data,
      },
    ],
  });
}

function picture(words: readonly string[], width: number, height: number, option: EChartsCoreOption): Picture {
  const text = words.filter(Boolean).join(' ');
  return { svg: drawChart(option, width, height, text), width, words: text };
}

function legend(series: readonly Series[]): EChartsCoreOption {
  return { legend: { ...legendStyle, data: series.map(sideOf) } };
}

function lines(series: readonly Series[], logarithmic: boolean): object[] {
  const ordered = [...series].sort((a, b) => drawingOrder.indexOf(a.side) - drawingOrder.indexOf(b.side));
  return ordered.map((one) => ({
    type: 'line',
    name: sideOf(one),
    silent: true,
    // A single point would be invisible as a line.
    symbol: one.y.length === 1 ? 'circle' : 'none',
    sampling: 'lttb',
    lineStyle: strokes[one.side],
    itemStyle: { color: strokes[one.side].color },
    data: points(one, logarithmic),
  }));
}

function points({ x, y }: Series, logarithmic: boolean): [number, number | null][] {
  return y.map((value, i) => [x[i] ?? i, Number.isFinite(value) && (!logarithmic || value > 0) ? value : null]);
}

function sideOf({ name, side }: Series): string {
  const word = side === 'noise' ? 'noise' : side;
  return name === '' || name === word ? word : `${word}: ${brief(name, 24)}`;
}

function describeSeries({ y }: Series): string {
  if (y.length === 0) return 'no points';
  return y.length === 1
    ? shortNumber(y[0])
    : `${y.length} points, from ${shortNumber(y[0])} to ${shortNumber(y.at(-1)!)}`;
}

function shortNumber(value: number): string {
  if (value === 0 || (Math.abs(value) >= 0.001 && Math.abs(value) < 100_000))
    return String(Number(value.toPrecision(4)));
  return value.toExponential(1).replace('.0e', 'e');
}
