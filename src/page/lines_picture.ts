import type { EChartsCoreOption } from 'echarts/core';
import { counted } from '../text.ts';
import { axisStyle, colours, drawChart, legendLines, legendStyle, type Picture, usualWidth } from './charts.ts';
import { brief, plain, shortNumber } from './plain.ts';

/** A line of a picture. Values that are not finite are gaps. */
export interface Line {
  /** For the legend. */
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly stroke: { readonly color: string; readonly width: number; readonly type: string | readonly number[] };
  /** Mark at each point; default none, since a line of many points would be all marks. */
  readonly symbol?: string;
  /** Lines with a higher number are drawn over the others; default 0. */
  readonly above?: number;
}

/** What a picture of lines shows. */
export interface LinesPicture {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly logarithmic?: boolean;
  readonly lines: readonly Line[];
}

/** Lines over each other on axes that fit them. */
export function linesPicture({ title, x, y, logarithmic = false, lines }: LinesPicture): Picture {
  const dropped = lines.reduce(
    (sum, one) => sum + points(one, logarithmic).filter(([, value]) => value === null).length,
    0,
  );
  const words = [
    `${plain(title)}: ${plain(y)} by ${plain(x)}.`,
    ...lines.map(describe),
    dropped > 0
      ? `Not drawn: ${counted(dropped, 'value')} that ${dropped === 1 ? 'is' : 'are'} ${logarithmic ? 'not positive or ' : ''}not finite.`
      : '',
  ];
  const above = 22 * legendLines(lines.map(({ name }) => name));
  return drawn(words, usualWidth, 280 + above, {
    ...legend(lines),
    grid: { left: 64, right: 18, top: 14 + above, bottom: 48 },
    xAxis: {
      type: 'value',
      name: brief(x, 40),
      nameLocation: 'middle',
      nameGap: 28,
      min: 'dataMin',
      max: 'dataMax',
      // No marks between whole steps or epochs.
      ...(areWhole(lines) && { minInterval: 1 }),
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
    series: series(lines, logarithmic),
  });
}

function areWhole(lines: readonly Line[]): boolean {
  return lines.every(({ x }) => Array.from(x).every(Number.isInteger));
}

/** Corners of the line from (0, 0) to (1, 1). */
export const diagonal: readonly (readonly [number, number])[] = [
  [0, 0],
  [1, 1],
];

/** Lines between 0 and 1 on both axes, as of receiver operating characteristics. `dotted` is a line for orientation, such as chance. */
export function squarePicture({
  title,
  x,
  y,
  lines,
  dotted,
}: Omit<LinesPicture, 'logarithmic'> & { readonly dotted?: readonly (readonly [number, number])[] }): Picture {
  const words = [`${plain(title)}: ${plain(y)} by ${plain(x)}.`, ...lines.map(describe)];
  const axis = { type: 'value', min: 0, max: 1, nameLocation: 'middle', ...axisStyle };
  const orientation = {
    type: 'line',
    silent: true,
    symbol: 'none',
    lineStyle: { color: colours.faint, width: 1, type: [1, 3] },
    data: dotted,
  };
  const above = 22 * legendLines(lines.map(({ name }) => name));
  return drawn(words, usualWidth, 400 + above, {
    ...legend(lines),
    grid: { left: 56, right: 18, top: 18 + above, bottom: 48 },
    xAxis: { ...axis, name: brief(x, 40), nameGap: 28 },
    yAxis: { ...axis, name: brief(y, 40), nameGap: 38 },
    series: [...(dotted ? [orientation] : []), ...series(lines, false)],
  });
}

/** A chart with its text alternative, sentence by sentence. */
export function drawn(words: readonly string[], width: number, height: number, option: EChartsCoreOption): Picture {
  const text = words.filter(Boolean).join(' ');
  return { svg: drawChart(option, width, height, text), width, words: text };
}

function legend(lines: readonly Line[]): EChartsCoreOption {
  return { legend: { ...legendStyle, data: lines.map(({ name }) => name) } };
}

function series(lines: readonly Line[], logarithmic: boolean): object[] {
  const ordered = [...lines].sort((a, b) => (a.above ?? 0) - (b.above ?? 0));
  return ordered.map((one) => ({
    type: 'line',
    name: one.name,
    silent: true,
    // A single point would be invisible as a line.
    symbol: one.symbol ?? (one.y.length === 1 ? 'circle' : 'none'),
    symbolSize: one.symbol ? 7 : 4,
    sampling: 'lttb',
    lineStyle: one.stroke,
    itemStyle: { color: one.stroke.color },
    data: points(one, logarithmic),
  }));
}

function points({ x, y }: Line, logarithmic: boolean): [number, number | null][] {
  return y.map((value, i) => [x[i] ?? i, Number.isFinite(value) && (!logarithmic || value > 0) ? value : null]);
}

function describe({ name, y }: Line): string {
  if (y.length === 0) return `${name}: no points.`;
  return y.length === 1
    ? `${name}: ${shortNumber(y[0])}.`
    : `${name}: ${y.length} points, from ${shortNumber(y[0])} to ${shortNumber(y.at(-1)!)}.`;
}
