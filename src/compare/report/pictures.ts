import type { EChartsCoreOption } from 'echarts/core';
import type { Observation, Series } from '../observations.ts';
import { axisStyle, colours, draw, fontSize } from './charts.ts';
import { confusionPicture } from './confusion_picture.ts';
import { plain, scientific } from './figures.ts';
import type { Markup } from './markup.ts';

type Of<K extends Observation['kind']> = Extract<Observation, { readonly kind: K }>;

/** An observation as SVG, and in words for those who do not see it. */
export interface Picture {
  readonly svg: Markup;
  /** Pixels; a picture wider than {@link usualWidth} scrolls inside its box. */
  readonly width: number;
  readonly words: string;
}

/** Width of a picture that a phone can show whole. */
export const usualWidth = 440;

/** The picture of an observation; none of a table. */
export function pictureOf(observation: Observation): Picture | undefined {
  switch (observation.kind) {
    case 'curves':
      return curvesPicture(observation);
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
  // Drawn over the port's line: where both are the same, blue shows between the dashes.
  original: { color: colours.original, width: 2, type: [8, 6] },
  noise: { color: colours.noise, width: 1.5, type: [2, 3] },
} as const;

const legendStyle = {
  top: 0,
  itemWidth: 36,
  itemHeight: 4,
  itemGap: 18,
  selectedMode: false,
  textStyle: { color: colours.ink, fontSize },
};

const drawingOrder = ['noise', 'port', 'original'] as const;

function curvesPicture({ title, x, y, logarithmic = false, series }: Of<'curves'>): Picture {
  const dropped = series.reduce(
    (sum, one) => sum + points(one, logarithmic).filter(([, value]) => value === null).length,
    0,
  );
  const words = [
    `${plain(title)}: ${plain(y)} by ${plain(x)}.`,
    ...series.map((one) => `${sideOf(one)}: ${describeSeries(one)}.`),
    dropped > 0 ? `Not drawn: ${dropped} values that are ${logarithmic ? 'not positive or ' : ''}not finite.` : '',
  ];
  return picture(words, usualWidth, 300, {
    ...legend(series),
    grid: { left: 64, right: 18, top: 34 + 20 * (Math.ceil(series.length / 2) - 1), bottom: 48 },
    xAxis: {
      type: 'value',
      name: plain(x, 40),
      nameLocation: 'middle',
      nameGap: 28,
      min: 'dataMin',
      max: 'dataMax',
      ...axisStyle,
    },
    yAxis: {
      type: logarithmic ? 'log' : 'value',
      scale: true,
      name: plain(y, 40),
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
  return picture(words, usualWidth, 420, {
    ...legend(series),
    grid: { left: 56, right: 18, top: 40, bottom: 48 },
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
  const least = Math.min(limit, ...finite) / 10;
  const most = Math.max(limit, ...finite) * 10;
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

function stripPicture({ title, fs, leads, truth, port, original }: Of<'strip'>): Picture {
  const height = leads.length > 3 ? 54 : 110;
  const seconds = Math.max(0, ...leads.map(({ samples }) => samples.length)) / fs;
  const words = [
    `${plain(title)}: ECG of ${seconds.toFixed(1)} seconds, leads ${leads.map(({ name }) => plain(name, 24)).join(', ')}.`,
    `Truth ${plain(truth)}; port ${plain(port)}; original ${plain(original)}.`,
  ];
  const last = leads.length - 1;
  return picture(words, 1040, leads.length * height + 52, {
    grid: leads.map((_, i) => ({ left: 64, right: 14, top: 8 + i * height, height: height - 8 })),
    xAxis: leads.map((_, i) => ({
      type: 'value',
      gridIndex: i,
      min: 0,
      max: seconds,
      interval: 0.2 * Math.ceil(seconds / 10),
      ...axisStyle,
      axisTick: { show: false },
      axisLabel:
        i === last
          ? {
              ...axisStyle.axisLabel,
              formatter: (value: number) => (Number.isInteger(round(value)) ? String(round(value)) : ''),
            }
          : { show: false },
      ...(i === last ? { name: 'seconds', nameLocation: 'middle', nameGap: 26 } : {}),
    })),
    yAxis: leads.map(({ name }, i) => ({
      type: 'value',
      gridIndex: i,
      scale: true,
      splitNumber: 2,
      name: plain(name, 10),
      nameLocation: 'middle',
      nameGap: 10,
      nameRotate: 0,
      ...axisStyle,
      nameTextStyle: { ...axisStyle.nameTextStyle, align: 'right' },
      axisTick: { show: false },
      axisLabel: { show: false },
    })),
    series: leads.map(({ samples }, i) => ({
      type: 'line',
      silent: true,
      xAxisIndex: i,
      yAxisIndex: i,
      symbol: 'none',
      sampling: 'lttb',
      lineStyle: { color: colours.ink, width: 1.2, join: 'round' },
      data: samples.map((value, n) => [n / fs, Number.isFinite(value) ? value : null]),
    })),
  });
}

function picture(words: readonly string[], width: number, height: number, option: EChartsCoreOption): Picture {
  const text = words.filter(Boolean).join(' ');
  return { svg: draw(option, width, height, text), width, words: text };
}

function legend(series: readonly Series[]): EChartsCoreOption {
  return { legend: { ...legendStyle, data: series.map((one) => sideOf(one)) } };
}

function lines(series: readonly Series[], logarithmic: boolean): object[] {
  const ordered = [...series].sort((a, b) => drawingOrder.indexOf(a.side) - drawingOrder.indexOf(b.side));
  return ordered.map((one) => ({
    type: 'line',
    name: sideOf(one),
    silent: true,
    // A single point makes no line.
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
  return name === '' || name === word ? word : `${word}: ${plain(name, 40)}`;
}

function describeSeries({ y }: Series): string {
  if (y.length === 0) return 'no points';
  return y.length === 1
    ? shortNumber(y[0]!)
    : `${y.length} points, from ${shortNumber(y[0]!)} to ${shortNumber(y.at(-1)!)}`;
}

function shortNumber(value: number): string {
  if (value === 0 || (Math.abs(value) >= 0.001 && Math.abs(value) < 100_000))
    return String(Number(value.toPrecision(4)));
  return value.toExponential(1).replace('.0e', 'e');
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
