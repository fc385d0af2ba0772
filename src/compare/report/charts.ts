import { CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { escapeMarkup } from '../../text.ts';
import { Markup } from './markup.ts';

use([CustomChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** Colours are the page's own (`report.css`), so that one picture serves light and dark. */
export const colours = {
  ink: 'var(--ink)',
  faint: 'var(--ink-soft)',
  line: 'var(--line)',
  bad: 'var(--bad)',
  card: 'var(--card)',
  port: 'var(--port)',
  original: 'var(--original)',
  noise: 'var(--noise)',
} as const;

export const fontSize = 13;

/** Ink of an axis. */
export const axisStyle = {
  axisLine: { show: true, lineStyle: { color: colours.faint } },
  axisTick: { lineStyle: { color: colours.faint } },
  minorTick: { lineStyle: { color: colours.faint } },
  axisLabel: { color: colours.ink, fontSize },
  nameTextStyle: { color: colours.ink, fontSize },
  splitLine: { lineStyle: { color: colours.line } },
} as const;

/** An observation as SVG, and in words for those who do not see it. */
export interface Picture {
  readonly svg: Markup;
  /** Pixels; a picture wider than {@link usualWidth} scrolls inside its box. */
  readonly width: number;
  readonly words: string;
}

/** Width of a picture that a phone can show whole. */
export const usualWidth = 440;

let drawn = 0;

/**
 * Draws a chart as inline SVG that a strict content security policy admits: no `style` attribute or element, no script. `label` is its
 * text alternative. Texts in `option` are escaped by the renderer.
 */
export function drawChart(option: EChartsCoreOption, width: number, height: number, label: string): Markup {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: 'transparent',
      textStyle: { fontFamily: 'sans-serif' },
      ...option,
    });
    return new Markup(clean(chart.renderToSVGString({ useViewBox: true }), width, height, label));
  } finally {
    chart.dispose();
  }
}

/** Quotes inside of texts are escaped, so that `name="…"` in the renderer's output is always an attribute. */
function clean(svg: string, width: number, height: number, label: string): string {
  drawn++;
  return svg
    .replace(/<style ?>[\s\S]*?<\/style>/g, '')
    .replace(/<defs ?>\s*<\/defs>/g, '')
    .replace(/ (class|ecmeta_\w+|pointer-events|xml:space)="[^"]*"/g, '')
    .replace(/ style="([^"]*)"/g, (_, style: string) => asAttributes(style))
    .replace(/\bzr\d+-/g, `picture${drawn}-`)
    .replace(
      /^<svg [^>]*>/,
      `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeMarkup(label)}">`,
    );
}

function asAttributes(style: string): string {
  return style
    .split(';')
    .filter(Boolean)
    .map((declaration) => {
      const colon = declaration.indexOf(':');
      return ` ${declaration.slice(0, colon).trim()}="${declaration.slice(colon + 1).trim()}"`;
    })
    .join('');
}
