import type { CustomSeriesRenderItem } from 'echarts';
import { axisStyle, colours, drawChart, fontSize, type Picture, usualWidth } from './charts.ts';
import { brief } from './plain.ts';

/** Counts by true class (rows) and predicted class (columns). */
export type Matrix = readonly (readonly number[])[];

/** A confusion matrix of a picture. */
export interface NamedMatrix {
  readonly name: string;
  readonly cells: Matrix;
  readonly colour: string;
  /** Whether a cell is framed; default none. */
  readonly framed?: (row: number, column: number) => boolean;
}

/** Labels of the classes as the picture shows them. */
export function matrixLabels(classes: readonly string[]): string[] {
  return classes.map((name) => brief(name, 14));
}

/** Confusion matrices side by side, with true classes as rows. The shade shows the share of the true class. `words` is the text alternative. */
export function matricesPicture(classes: readonly string[], matrices: readonly NamedMatrix[], words: string): Picture {
  const names = matrixLabels(classes);
  const single = matrices.length === 1;
  const size = Math.max(30, Math.min(46, Math.floor((single ? 280 : 140) / Math.max(1, classes.length))));
  const side = size * classes.length;
  const left = 22 + 8 * Math.max(...names.map(({ length }) => length), 1);
  const top = 32;
  const needed = matrices.length * (left + side) + 16;
  // A page stretches a picture to its column, so a narrow one would be drawn too large.
  const width = single ? Math.max(usualWidth, needed) : needed;
  const height = top + side + 22 + 8 * Math.max(...names.map(({ length }) => length), 1);
  const option = {
    title: matrices.map(({ name }, i) => ({
      text: name,
      top: 0,
      left: left + i * (left + side + 8) + side / 2,
      textAlign: 'center',
      textStyle: { color: colours.ink, fontSize: 14, fontWeight: 600 },
    })),
    grid: matrices.map((_, i) => ({ left: left + i * (left + side + 8), top, width: side, height: side })),
    xAxis: matrices.map((_, i) => ({
      type: 'category',
      gridIndex: i,
      data: names,
      ...axisStyle,
      splitLine: { show: false },
      axisTick: { show: false },
      axisLabel: { ...axisStyle.axisLabel, interval: 0, rotate: 90 },
    })),
    yAxis: matrices.map((_, i) => ({
      type: 'category',
      gridIndex: i,
      inverse: true,
      data: names,
      ...axisStyle,
      splitLine: { show: false },
      axisTick: { show: false },
      axisLabel: { ...axisStyle.axisLabel, interval: 0 },
    })),
    series: matrices.map(({ cells, colour, framed }, i) => ({
      type: 'custom',
      silent: true,
      xAxisIndex: i,
      yAxisIndex: i,
      data: cells.flatMap((row, y) => row.map((value, x) => [x, y, value])),
      renderItem: cellRenderer(cells, framed, colour, size),
    })),
  };
  return { svg: drawChart(option, width, height, words), width, words };
}

function cellRenderer(
  cells: Matrix,
  framed: NamedMatrix['framed'],
  colour: string,
  size: number,
): CustomSeriesRenderItem {
  return (_params, api) => {
    const [x, y, value] = [Number(api.value(0)), Number(api.value(1)), Number(api.value(2))];
    const [centreX, centreY] = api.coord([x, y]) as [number, number];
    const row = cells[y].reduce((sum, cell) => sum + cell, 0);
    const differs = framed?.(y, x) ?? false;
    return {
      type: 'group',
      children: [
        {
          type: 'rect',
          shape: { x: centreX - size / 2 + 1, y: centreY - size / 2 + 1, width: size - 2, height: size - 2 },
          // At most a quarter of the colour, so that the number stays readable in light and dark mode.
          style: {
            fill: colour,
            fillOpacity: row === 0 ? 0 : 0.25 * (value / row),
            stroke: differs ? colours.bad : colours.line,
            lineWidth: differs ? 2 : 1,
          },
        },
        {
          type: 'text',
          style: {
            text: String(value),
            x: centreX,
            y: centreY,
            align: 'center',
            verticalAlign: 'middle',
            fill: colours.ink,
            fontSize: value > 999 ? 11 : fontSize,
          },
        },
      ],
    };
  };
}

/** Number of records of a matrix. */
export function totalOf(matrix: Matrix): number {
  return matrix.flat().reduce((sum, value) => sum + value, 0);
}
