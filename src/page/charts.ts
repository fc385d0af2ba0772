import { createHash } from 'node:crypto';
import { CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { escapeMarkup } from '../text.ts';
import { Markup } from './markup.ts';

use([CustomChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

/** Colours come from the page (`page.css`), so that one picture works in light and dark mode. */
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

/** Looks of several series, told apart by shape and dashes as well as by colour. */
export const looks = [
  { color: colours.port, symbol: 'circle', type: 'solid' },
  { color: colours.original, symbol: 'triangle', type: [8, 6] },
  { color: colours.ink, symbol: 'rect', type: [2, 3] },
  { color: colours.noise, symbol: 'diamond', type: [10, 4, 2, 4] },
] as const;

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

/** An observation as SVG, with a text alternative. */
export interface Picture {
  readonly svg: Markup;
  /** Pixels; a picture wider than {@link usualWidth} scrolls inside its box. */
  readonly width: number;
  readonly words: string;
}

/** Width of a picture that fits on a phone. */
export const usualWidth = 440;

export const legendStyle = {
  top: 0,
  itemWidth: 36,
  itemHeight: 4,
  itemGap: 18,
  selectedMode: false,
  textStyle: { color: colours.ink, fontSize },
};

/** Number of lines of a legend with these names, which wraps like text. */
export function legendLines(names: readonly string[]): number {
  let taken = 1;
  let used = 0;
  for (const name of names) {
    const width = legendStyle.itemWidth + legendStyle.itemGap + 8 * name.length;
    if (used > 0 && used + width > usualWidth) {
      taken++;
      used = 0;
    }
    used += width;
  }
  return taken;
}

/**
 * Draws a chart as inline SVG that passes a strict content security policy: no `style` attributes or elements, no scripts. `label` is its
 * text alternative. The renderer escapes the texts in `option`.
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

/** The renderer escapes quotes in texts, so `name="…"` in its output is always an attribute. */
function clean(svg: string, width: number, height: number, label: string): string {
  const cleaned = svg
    .replace(/<style ?>[\s\S]*?<\/style>/g, '')
    .replace(/<defs ?>\s*<\/defs>/g, '')
    .replace(/ (class|ecmeta_\w+|pointer-events|xml:space)="[^"]*"/g, '')
    .replace(/ style="([^"]*)"/g, (_, style: string) => asAttributes(style))
    .replace(/( id="|url\(#)zr\d+-/g, '$1zr-')
    .replace(
      /^<svg [^>]*>/,
      `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeMarkup(label)}">`,
    );
  // Names within a picture follow from its content, so that the same page has the same bytes whatever was drawn before.
  const digest = createHash('sha256').update(cleaned).digest('hex').slice(0, 12);
  return cleaned.replace(/( id="|url\(#)zr-/g, `$1picture-${digest}-`);
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
