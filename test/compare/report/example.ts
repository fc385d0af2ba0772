import type { ComparedRow } from '../../../src/compare/comparison.ts';
import type { Observation } from '../../../src/compare/observations.ts';
import type { Comparison } from '../../../src/compare/report/index.ts';
import type { SuiteName } from '../../../src/compare/suite.ts';

/** A row that passed without a differing bit. */
export function exactRow(suite: SuiteName, name: string, more: Partial<ComparedRow> = {}): ComparedRow {
  const row = {
    suite,
    case: 'resnet18',
    name,
    rung: 'bits',
    passed: true,
    values: 1234,
    difference: 0,
    limit: 0,
  } as const;
  return { ...row, kind: 'exact', ...more };
}

/** A row that passed within its limit. */
export function closeRow(suite: SuiteName, name: string, more: Partial<ComparedRow> = {}): ComparedRow {
  const noise = { noise: 1.3e-12, reason: 'sums in another order' };
  const worst = { array: 'conv1', index: [0, 3], port: '1', original: '1.000000000005', ulps: 22518 };
  return exactRow(suite, name, {
    rung: 'float64',
    kind: 'close',
    difference: 5e-12,
    limit: 1e-11,
    ...noise,
    worst,
    ...more,
  });
}

/** A comparison of an invented run. */
export function comparisonOf(findings: Partial<Comparison['findings']>, more: Partial<Comparison> = {}): Comparison {
  const versions = { numpy: '1.26.4', pandas: '2.2.2', sklearn: '1.4.2', wfdb: '4.1.2', samplerate: '0.2.1' };
  const library = ['/venv/tensorflow/libtensorflow_cc.so.2'];
  return {
    title: 'Port against original',
    witness: {
      kind: 'upstream',
      title: 'upstream c255af5 (tree 1f0c2d3e4f5a)',
      digest: '1f0c2d3e4f5a'.padEnd(64, '0'),
      folder: '/data/upstream',
      keras: 'keras 3',
    },
    shims: ['Q31: np.Inf restored'],
    findings: { rows: [], notRunnable: [], notApplicable: [], broken: [], observations: [], seconds: {}, ...findings },
    sides: {
      hardware: { platform: 'linux x64', processor: 'Xeon', cpuFeatures: ['avx2'], cpus: 2, memoryTotal: 24e9 },
      port: { node: '20.20.2', tensorflow: '2.16.1', library, gpu: false, threads: null, parity: {} },
      original: {
        python: '3.11.9',
        tensorflow: '2.16.1',
        keras: '3.3.3',
        ...versions,
        library,
        onednn: true,
        parity: {},
        gpus: [],
      },
    },
    data: { kind: 'real', names: ['cinc2017', 'ptbxl'] },
    seed: 2021,
    begun: '2026-11-23T03:00:00.000Z',
    seconds: 201.4,
    command: 'npm run compare -- --data /data --seed 2021 --quick',
    settings: ['--data', '/data', '--seed', '2021'],
    ...more,
  };
}

const steps = Array.from({ length: 60 }, (_, i) => i + 1);
const curve = (rate: number): number[] => steps.map((step) => Math.exp(-rate * step) + 0.05 * Math.cos(step));

/** One observation of every kind. */
export const observations: readonly (Observation & { readonly suite: SuiteName })[] = [
  {
    suite: 'training',
    kind: 'curves',
    title: 'Free-running float32, resnet18',
    x: 'step',
    y: 'loss',
    logarithmic: true,
    note: 'Chaotic on both sides.',
    series: [
      { name: '', side: 'port', x: steps, y: curve(0.05) },
      { name: '', side: 'original', x: steps, y: curve(0.05) },
      { name: 'float64', side: 'noise', x: steps, y: curve(0.045) },
    ],
  },
  {
    suite: 'activations',
    kind: 'layers',
    title: 'Error by layer, resnet18',
    limit: 1e-11,
    layers: Array.from({ length: 20 }, (_, i) => ({ name: `conv${i}`, difference: i === 0 ? 0 : 1e-14 * i })),
  },
  {
    suite: 'metrics',
    kind: 'confusion',
    title: 'Rhythm',
    classes: ['N', 'A', 'O', '~'],
    port: [
      [50, 1, 4, 0],
      [2, 20, 1, 0],
      [5, 3, 30, 1],
      [0, 0, 1, 6],
    ],
    original: [
      [50, 1, 4, 0],
      [2, 20, 1, 0],
      [5, 2, 31, 1],
      [0, 0, 1, 6],
    ],
  },
  {
    suite: 'metrics',
    kind: 'roc',
    title: 'Atrial fibrillation',
    series: [
      { name: '', side: 'port', x: [0, 0.1, 0.3, 1], y: [0, 0.7, 0.9, 1] },
      { name: '', side: 'original', x: [0, 0.1, 0.3, 1], y: [0, 0.7, 0.9, 1] },
    ],
  },
  {
    suite: 'predictions',
    kind: 'strip',
    title: 'A00001',
    fs: 250,
    leads: ['I', 'II', 'V1', 'normalised'].map((name, lead) => ({
      name,
      samples: Array.from({ length: 2500 }, (_, n) => Math.exp(-(((n % 200) - 100) ** 2) / 20) * (1 + lead / 4)),
    })),
    truth: 'N',
    port: 'N 0.93',
    original: 'N 0.93',
  },
  {
    suite: 'metrics',
    kind: 'estimates',
    title: 'Macro F1 by part of the training records',
    x: 'part of the training records',
    y: 'macro F1',
    ticks: [
      { at: 0.1, label: '10 %' },
      { at: 1, label: '100 %' },
    ],
    series: [
      { name: 'beat', x: [0.1, 1], y: [0.5, 0.7], low: [0.4, 0.65], high: [0.6, 0.75] },
      { name: 'random', x: [0.1, 1], y: [0.3, 0.68], low: [0.2, Number.NaN], high: [0.4, Number.NaN] },
    ],
    note: 'Mean over two trials.',
  },
  {
    suite: 'outcome',
    kind: 'table',
    title: 'F1 of five trials',
    columns: ['weights', 'port', 'original'],
    rows: [
      ['random', 0.7312345, 0.7298],
      ['pretrained', 0.781, Number.NaN],
    ],
    note: 'Mean over seeds.',
  },
];

/** Rows of several suites and rungs, all passed. */
export const passedRows: readonly ComparedRow[] = [
  exactRow('sampling', 'frames'),
  exactRow('training', 'all variables after each of 5 steps', { rung: 'same graph' }),
  closeRow('activations', 'activations of 20 layers'),
  closeRow('gradients', 'gradients of 40 weights', { difference: 9.1e-12 }),
  closeRow('predictions', 'probabilities', { rung: 'float32', difference: 4e-7, limit: 3e-6, noise: 4.9e-7 }),
];
