import type { CustomSeriesRenderItem } from 'echarts';
import type { Observation } from '../observations.ts';
import { axisStyle, colours, drawChart, fontSize, type Picture } from './charts.ts';
import { brief, plain } from './figures.ts';

type Confusion = Extract<Observation, { readonly kind: 'confusion' }>;

/**
 * Both confusion matrices side by side, with true classes as rows. The shade shows the share of the true class. Cells that differ are
 * framed.
 */
export function confusionPicture({ title, classes, port, original }: Confusion): Picture {
  const names = classes.map((name) => brief(name, 14));
  const size = Math.max(30, Math.min(46, Math.floor(140 / Math.max(1, classes.length))));
  const side = size * classes.length;
  const left = 22 + 8 * Math.max(...names.map(({ length }) => length), 1);
  const top = 32;
  const width = 2 * (left + side) + 16;
  const height = top + side + 22 + 8 * Math.max(...names.map(({ length }) => length), 1);
  const different = port.flatMap((row, i) => row.filter((value, j) => value !== original[i]?.[j])).length;
  const words = [
    `${plain(title)}: confusion matrices of ${classes.length} classes (${names.join(', ')}), ${total(port)} records in the port, ${total(original)} in the original.`,
    different === 0 ? 'All cells are the same.' : `${different} cells differ and are framed.`,
  ].join(' ');
  const matrices = [
    { name: 'Port', cells: port, others: original, colour: colours.port },
    { name: 'Original', cells: original, others: port, colour: colours.original },
  ];
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
    series: matrices.map(({ cells, others, colour }, i) => ({
      type: 'custom',
      silent: true,
      xAxisIndex: i,
      yAxisIndex: i,
      data: cells.flatMap((row, y) => row.map((value, x) => [x, y, value])),
      renderItem: cellRenderer(cells, others, colour, size),
    })),
  };
  return { svg: drawChart(option, width, height, words), width, words };
}

function cellRenderer(
  cells: Confusion['port'],
  others: Confusion['port'],
  colour: string,
  size: number,
): CustomSeriesRenderItem {
  return (_params, api) => {
    const [x, y, value] = [Number(api.value(0)), Number(api.value(1)), Number(api.value(2))];
    const [centreX, centreY] = api.coord([x, y]) as [number, number];
    const row = cells[y].reduce((sum, cell) => sum + cell, 0);
    const differs = others[y]?.[x] !== value;
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

function total(matrix: Confusion['port']): number {
  return matrix.flat().reduce((sum, value) => sum + value, 0);
}
