import { axisStyle, colours, legendStyle, type Picture, usualWidth } from '../../page/charts.ts';
import { estimatesPicture } from '../../page/estimates_picture.ts';
import { diagonal, drawn, type Line, linesPicture, squarePicture } from '../../page/lines_picture.ts';
import { brief, plain, scientific, shortNumber } from '../../page/plain.ts';
import { stripPicture } from '../../page/strip_picture.ts';
import type { Observation, Series } from '../observations.ts';
import { confusionPicture } from './confusion_picture.ts';

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
      return stripPicture(observation, labelsOf(observation));
    case 'table':
      return undefined;
  }
}

function labelsOf({ truth, port, original }: Of<'strip'>): string {
  return `Truth ${plain(truth)}; port ${plain(port)}; original ${plain(original)}.`;
}

const strokes = {
  port: { color: colours.port, width: 4.5, type: 'solid' },
  // Drawn over the port's line: where both are equal, the port's blue shows between the dashes.
  original: { color: colours.original, width: 2, type: [8, 6] },
  noise: { color: colours.noise, width: 1.5, type: [2, 3] },
} as const;

const drawingOrder = ['noise', 'port', 'original'] as const;

function curvesPicture({ title, x, y, logarithmic, series }: Of<'curves'>): Picture {
  return linesPicture({ title, x, y, logarithmic, lines: linesOf(series) });
}

function rocPicture({ title, series }: Of<'roc'>): Picture {
  return squarePicture({
    title,
    x: 'false positive rate',
    y: 'true positive rate',
    lines: linesOf(series),
    dotted: diagonal,
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
  return drawn(words, usualWidth, 300, {
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

/** The lines of both sides, the first to be drawn first; the legend keeps the order of the series. */
function linesOf(series: readonly Series[]): Line[] {
  return series.map((one) => ({
    name: sideOf(one),
    x: one.x,
    y: one.y,
    stroke: strokes[one.side],
    above: drawingOrder.indexOf(one.side),
  }));
}

function sideOf({ name, side }: Series): string {
  const word = side === 'noise' ? 'noise' : side;
  return name === '' || name === word ? word : `${word}: ${brief(name, 24)}`;
}
