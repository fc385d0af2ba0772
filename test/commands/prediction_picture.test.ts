import { expect, test } from 'vitest';
import { drawPrediction } from '../../src/commands/prediction_picture.ts';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { openBrowser } from '../page/browser.ts';

const fs = 100;

/** Leads that rise by a thousandth of a millivolt a sample. */
function ramp(seconds: number, leads: readonly string[]) {
  const samples = Math.round(seconds * fs);
  const data = Float64Array.from({ length: samples * leads.length }, (_, i) => Math.floor(i / leads.length) / 1000);
  return { signal: ndarray('float64', [samples, leads.length], data), fs, leads };
}

/** Number of points of each drawn trace. */
function points(svg: string): number[] {
  return [...svg.matchAll(/ d="M\d+ -?\d+l([^"]*)"/g)].map(([, path]) => 1 + (path.match(/-?\d+/g)?.length ?? 0) / 2);
}

/** Where the paper begins, in mm. */
function headOf(svg: string): number {
  return Number(/<rect y="(\d+)"/.exec(svg)![1]);
}

/** The texts of a picture, lines joined. */
function texts(svg: string): string {
  return [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text).join(' ');
}

const result = [{ name: 'AF', probability: 0.98 }];

test('draws what the network saw: the end of a long recording, in lines of ten seconds', () => {
  const leads = ['I'];
  const svg = drawPrediction({ recording: ramp(60, leads), leads, windowSeconds: 25, name: 'r', result });
  expect(points(svg)).toEqual([1000, 1000, 500]);
  expect(texts(svg)).toContain('The network saw 0:35 to 1:00 of 1:00 (min:s), drawn here; the beginning was left out.');
  for (const time of ['0:35', '0:45', '0:55']) expect(svg).toContain(`>I · ${time}</text>`);
  // The bar of the whole, and on it the window: the last 25 of 60 seconds.
  const [whole, window] = [...svg.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)" height="2"/g)].map(
    ([, x, width]) => [Number(x), Number(width)],
  );
  expect(window[1] / whole[1]).toBeCloseTo(25 / 60, 2);
  expect(window[0] + window[1]).toBeCloseTo(whole[0] + whole[1], 1);
  // Each lower line starts where the one above ended: 10 s are 1 mV, 10 mm, 200 steps; lines are 30 mm apart.
  const heights = [...svg.matchAll(/ d="M0 (-?\d+)l/g)].map(([, y]) => Number(y));
  expect(heights[1] - heights[0]).toBe((30 - 10) * 20);
  const all = drawPrediction({ recording: ramp(60, leads), leads, windowSeconds: 60, name: 'r', result });
  expect(points(all)).toEqual([1000, 1000, 1000, 1000, 1000, 1000]);
  // The first sample that is drawn is number 3,500: 3.5 mV.
  const start = (picture: string): number => Number(/ d="M0 (-?\d+)l/.exec(picture)![1]) - headOf(picture) * 20;
  expect(start(all) - start(svg)).toBe(35 * 20);
});

test('draws a short recording whole, and states its padding', () => {
  const leads = ['I', 'II'];
  const svg = drawPrediction({ recording: ramp(4, leads), leads, windowSeconds: 6, name: 'r', result });
  expect(points(svg)).toEqual([400, 400]);
  expect(texts(svg)).toContain('The network saw the whole recording of 0:04 (min:s), behind 0:02 of zeros.');
  expect(svg).not.toContain('height="2"');
});

test('long lists of classes end with their number', () => {
  const many = Array.from({ length: 71 }, (_, i) => ({ name: `some long diagnosis ${i}`, probability: 1 - i / 100 }));
  const svg = drawPrediction({ recording: ramp(10, ['I']), leads: ['I'], windowSeconds: 10, name: 'r', result: many });
  expect(svg).toMatch(/some long diagnosis 0 100\.0\u00a0%/);
  expect(texts(svg)).toMatch(/and \d+ more classes/);
  expect(
    drawPrediction({ recording: ramp(10, ['I']), leads: ['I'], windowSeconds: 10, name: 'r', result: [] }),
  ).toContain('No class.');
});

test('an explanation: columns of 0.04 s under each lead, where their samples are', () => {
  const leads = ['I', 'II'];
  // A window of 12 s at 50 Hz, the recording has 11 s: the first second is padding.
  const attributions = ndarray('float64', [600, 2], new Float64Array(1200));
  const put = (second: number, lead: number, value: number): void => {
    attributions.data[2 * Math.floor((second + 1) * 50) + lead] = value;
  };
  put(2.01, 0, 0.3);
  put(2.03, 0, 0.1);
  put(10.5, 1, -0.2);
  const explanation = {
    ...{ path: 'r', className: 'AF', steps: 8, attributions, gradient: attributions, padding: 50, sum: 0.2 },
    ...{ signal: ndarray('float32', [600, 2], new Float32Array(1200)), probability: 0.9, baselineProbability: 0.7 },
  };
  const picture = { recording: ramp(11, leads), leads, windowSeconds: 12, name: 'r', result };
  const svg = drawPrediction({ ...picture, explanation });
  const columns = [...svg.matchAll(/<path class="(up|down)" d="([^"]*)"/g)].map(([, direction, d]) => [direction, d]);
  // Two lines of two leads each; a column is 1 mm wide. The largest is 6 mm high.
  expect(columns.map(([, d]) => d === '')).toEqual([false, true, true, true, true, true, true, false]);
  expect(columns[0]).toEqual(['up', expect.stringMatching(/^M50 \d+v-6h1V\d+z$/)]);
  expect(columns[7]).toEqual(['down', expect.stringMatching(/^M12 \d+v3h1V\d+z$/)]);
  expect(texts(svg)).toContain('adds to the probability of AF');
  expect(texts(svg)).toContain('at most 0.400. Together 0.200: from 0.700 for a flat line to 0.900');
  // The traces are as without it.
  expect(points(svg)).toEqual(points(drawPrediction(picture)));
  expect(drawPrediction(picture)).not.toContain('class="up"');
});

test('in a browser no text is cut off, however long names and lists are', async (context) => {
  const browser = await openBrowser();
  if (typeof browser === 'string') return context.skip(browser);
  try {
    const page = await browser.newPage();
    const classes = Array.from({ length: 40 }, (_, i) => ({ name: `WWW心房細動 ${i}`, probability: 0.9 }));
    for (const [seconds, name] of [
      [1, 'W'.repeat(255)],
      [10, `${'folder of a name/'.repeat(20)}rec`],
      [40, '心房細動'.repeat(60)],
    ] as const) {
      const leads = ['I', 'aVR'];
      const svg = drawPrediction({ recording: ramp(seconds, leads), leads, windowSeconds: 25, name, result: classes });
      await page.setContent(`<body>${svg}</body>`);
      const inside = await page.evaluate<boolean>(`(() => {
        const svg = document.querySelector('svg');
        const { width, height } = svg.viewBox.baseVal;
        return [...svg.querySelectorAll('text')].every((text) => {
          const box = text.getBBox();
          return box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height;
        });
      })()`);
      expect(inside, name).toBe(true);
    }
  } finally {
    await browser.close();
  }
});
