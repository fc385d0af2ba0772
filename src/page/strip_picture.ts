import { axisStyle, colours, drawChart, type Picture } from './charts.ts';
import { brief, plain } from './plain.ts';

/** An excerpt of a recording (millivolts or normalised units, one array per lead). */
export interface Strip {
  readonly title: string;
  readonly fs: number;
  readonly leads: readonly { readonly name: string; readonly samples: readonly number[] }[];
}

/**
 * Leads below each other on one time axis, with lines every 0.2 s as on ECG paper if there is room. `labels` is a sentence for the text
 * alternative: what it is, and what was predicted.
 */
export function stripPicture({ title, fs, leads }: Strip, labels: string): Picture {
  const height = leads.length > 3 ? 54 : 110;
  const seconds = Math.max(0, ...leads.map(({ samples }) => samples.length)) / fs;
  const words = [
    `${plain(title)}: ECG of ${seconds.toFixed(1)} seconds, leads ${leads.map(({ name }) => brief(name, 24)).join(', ')}.`,
    labels,
  ];
  const width = 1040;
  const last = leads.length - 1;
  const left = 24 + 8 * Math.max(2, ...leads.map(({ name }) => brief(name, 12).length));
  const option = {
    grid: leads.map((_, i) => ({ left, right: 14, top: 8 + i * height, height: height - 8 })),
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
      name: brief(name, 12),
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
  };
  const text = words.join(' ');
  return { svg: drawChart(option, width, leads.length * height + 52, text), width, words: text };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
