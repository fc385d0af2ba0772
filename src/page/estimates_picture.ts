import { axisStyle, drawChart, legendLines, legendStyle, looks, type Picture, usualWidth } from './charts.ts';
import { brief, plain } from './plain.ts';

/** Estimates with intervals at some places of the horizontal axis, such as means over trials. `low` and `high` are NaN where there is no interval. */
export interface Estimates {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** What a picture of estimates shows. `ticks` are the places on the horizontal axis, at equal distances. */
interface OfEstimates {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
  readonly series: readonly Estimates[];
}

/** Means with their intervals as bars. The series stand a little beside each other, so that no bar hides another. */
export function estimatesPicture({ title, x, y, ticks, series }: OfEstimates): Picture {
  const names = series.map(({ name }) => brief(name, 24));
  const top = 14 + 22 * legendLines(names);
  const text = words(title, x, y, ticks, series);
  const option = {
    legend: { ...legendStyle, itemHeight: 10, data: names },
    grid: { left: 64, right: 18, top, bottom: 48 },
    // The first axis has the labels; the second places the points, which stand a little beside them.
    xAxis: [
      {
        type: 'category',
        data: ticks.map(({ label }) => brief(label, 12)),
        name: brief(x, 40),
        nameLocation: 'middle',
        nameGap: 28,
        ...axisStyle,
        axisTick: { show: false },
        splitLine: { show: false },
        axisLabel: { ...axisStyle.axisLabel, interval: 0 },
      },
      { type: 'value', show: false, min: -0.5, max: ticks.length - 0.5 },
    ],
    yAxis: {
      type: 'value',
      scale: true,
      name: brief(y, 28),
      nameLocation: 'middle',
      nameGap: 46,
      ...axisStyle,
      // Not at 0 of the hidden axis, which lies within the picture.
      axisLine: { ...axisStyle.axisLine, onZero: false },
    },
    series: series.flatMap((one, i) => drawn(one, i, series.length, ticks)),
  };
  return { svg: drawChart(option, usualWidth, 266 + top, text), width: usualWidth, words: text };
}

type Ticks = OfEstimates['ticks'];
type Series = OfEstimates['series'][number];

function drawn({ name, x, y, low, high }: Series, index: number, all: number, ticks: Ticks): object[] {
  const { color, symbol, type } = looks[index % looks.length];
  const shift = (index - (all - 1) / 2) * Math.min(0.08, 0.5 / all);
  const placed = x.map((value) => ticks.findIndex(({ at }) => at === value) + shift);
  const bars = y.flatMap((_, i) =>
    Number.isFinite(low[i]) && Number.isFinite(high[i])
      ? [
          {
            type: 'line',
            xAxisIndex: 1,
            silent: true,
            symbol: 'none',
            lineStyle: { color, width: 1.5, type: 'solid' },
            data: [
              [placed[i], low[i]],
              [placed[i], high[i]],
            ],
          },
        ]
      : [],
  );
  const line = {
    type: 'line',
    xAxisIndex: 1,
    name: brief(name, 24),
    silent: true,
    symbol,
    symbolSize: 9,
    lineStyle: { color, width: 2, type },
    itemStyle: { color, borderColor: color },
    data: y.map((value, i) => [placed[i], Number.isFinite(value) ? value : null]),
  };
  return [...bars, line];
}

function words(title: string, x: string, y: string, ticks: Ticks, series: readonly Series[]): string {
  const labels = new Map(ticks.map(({ at, label }) => [at, label]));
  const point = (one: Series, i: number): string => {
    const interval = Number.isFinite(one.low[i]) ? ` [${one.low[i].toFixed(3)}, ${one.high[i].toFixed(3)}]` : '';
    const value = Number.isFinite(one.y[i]) ? one.y[i].toFixed(3) : 'not defined';
    return `${labels.get(one.x[i]) ?? one.x[i]} ${value}${interval}`;
  };
  const parts = series.map((one) => `${plain(one.name)}: ${one.x.map((_, i) => point(one, i)).join(', ')}.`);
  return [`${plain(title)}: ${plain(y)} by ${plain(x)}.`, ...parts].join(' ');
}
