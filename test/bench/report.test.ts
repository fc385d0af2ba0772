import { describe, expect, it } from 'vitest';
import type { RowResult } from '../../src/bench/bench.ts';
import { type BenchSetting, formatResults, formatSetting, resultsAsJson } from '../../src/bench/report.ts';

const step: RowResult = {
  name: 'step',
  title: 'training step',
  unit: 's/step',
  goal: 1,
  port: 0.4512,
  original: 0.4701,
  ratio: 0.4512 / 0.4701,
  ratioRange: [0.951, 0.982],
  met: true,
  rounds: { port: [0.4512], original: [0.4701] },
  share: { port: { value: 0.912, rate: 217e9 }, original: { value: 0.875, rate: 217e9 } },
};
const alone: RowResult = {
  ...{ name: 'metrics', title: 'scores', unit: 's', goal: 2, port: 2.5, original: null, ratio: null, ratioRange: null },
  ...{ met: false, rounds: { port: [2.5], original: null }, note: 'the original has no intervals' },
};
const broken: RowResult = {
  ...{
    name: 'start',
    title: 'start',
    unit: 's',
    goal: 0.35,
    port: null,
    original: null,
    ratio: null,
    ratioRange: null,
  },
  ...{ met: null, rounds: { port: [], original: null }, error: 'no Python\nTraceback …' },
};
const setting = {
  machine: {
    ...{ platform: 'linux x64', processor: 'AMD EPYC', cpuFeatures: ['avx512f'], cpus: 2, cpuQuota: null },
    ...{ memoryFree: 1, memoryTotal: 16e9, diskFree: 1 },
  },
  node: {
    version: '20.1.0',
    executable: 'node',
    tensorflow: '2.16.1',
    libraries: [],
    oneDnn: true,
    gpus: 0,
    memoryGrowth: true,
    threads: '2',
  },
  python: { fault: 'python ended with 1' },
  challenge17: 'real',
  quick: false,
} satisfies BenchSetting;

describe('formatResults', () => {
  it('shows figures, ratio, goal and share of the matrix throughput', () => {
    expect(formatResults([step, alone, broken])).toMatchInlineSnapshot(`
      "| row     | work          |  port | original | unit   | ratio |       range |   goal |               | of matrix throughput                               |
      | :------ | :------------ | ----: | -------: | :----- | ----: | ----------: | -----: | :------------ | :------------------------------------------------- |
      | step    | training step | 0.451 |     0.47 | s/step | 0.960 | 0.951–0.982 |    ≤ 1 | met           | 91 % of 217 GFLOP/s (original 88 % of 217 GFLOP/s) |
      | metrics | scores        |   2.5 |        – | s      |     – |           – |  ≤ 2 s | missed        |                                                    |
      | start   | start         |     – |        – | s      |     – |           – | ≤ 0.35 | could not run |                                                    |

      * metrics: the original has no intervals
      * start: could not run: no Python"
    `);
  });

  it('does not judge a quick run', () => {
    const text = formatResults([step, broken], { quick: true });
    expect(text).not.toContain(' met ');
    expect(text).toContain(' ran ');
    expect(text).toContain('could not run');
  });
});

describe('formatSetting', () => {
  it('describes machine and sides', () => {
    expect(formatSetting(setting)).toBe(
      [
        'Machine: AMD EPYC, 2 CPUs, 16 GB, linux x64; avx512f',
        'Node 20.1.0, TensorFlow 2.16.1, oneDNN on, 0 GPUs, threads 2',
        'Python: python ended with 1',
        'Challenge 2017 recordings: real',
      ].join('\n'),
    );
    expect(formatSetting({ ...setting, quick: true })).toMatch(/^QUICK RUN/);
  });
});

describe('toJson', () => {
  it('holds the machine and every row, failed ones too', () => {
    const { rows, machine, schema } = JSON.parse(resultsAsJson([step, broken], setting));
    expect([schema, machine.cpus]).toEqual([1, 2]);
    expect(rows[0]).toMatchObject({ name: 'step', port: 0.4512, original: 0.4701, unit: 's/step', goal: 1 });
    expect(rows[0].ratio).toBeCloseTo(0.9598, 4);
    expect(rows[1]).toMatchObject({
      name: 'start',
      port: null,
      original: null,
      ratio: null,
      error: 'no Python\nTraceback …',
    });
  });
});
