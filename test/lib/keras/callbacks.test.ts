import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CSVLogger, EarlyStopping, type Logs, ModelCheckpoint } from '../../../src/lib/keras/callbacks.ts';
import { runPython } from '../../python.ts';

interface Case {
  readonly monitor: string;
  readonly patience: number;
  /** null stands for NaN. */
  readonly logs: readonly Record<string, number | null>[];
}

const noisy = (seed: number, length: number): number[] => {
  let state = seed;
  return Array.from({ length }, () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  });
};

const withValidation = (values: readonly (number | null)[]): Case['logs'] =>
  values.map((value, i) => ({
    loss: 1 / (i + 1),
    acc: i / 7,
    val_loss: value,
    val_acc: value === null ? null : 1 - value,
  }));

const cases: Case[] = [
  { monitor: 'val_loss', patience: 3, logs: withValidation([0.5, 0.4, 0.4, 0.41, 0.39, 0.5, 0.5, 0.5, 0.1]) },
  { monitor: 'val_acc', patience: 50, logs: withValidation([0.5, 0.5, 0.2, 0.3, 0.1]) },
  { monitor: 'val_loss', patience: 2, logs: withValidation([null, null, 0.3, null, null, 0.1]) },
  { monitor: 'val_loss', patience: 1, logs: withValidation([null, null, null]) },
  { monitor: 'val_loss', patience: 1, logs: withValidation([1e-5, 2e-5, 1e-7]) },
  {
    monitor: 'loss',
    patience: 1,
    logs: [
      { loss: 2, acc: 0 },
      { loss: 3e-5, acc: 1 },
      { loss: 123456.789, acc: 0.5 },
    ],
  },
  ...[11, 12, 13, 14].map((seed) => ({ monitor: 'val_loss', patience: 4, logs: withValidation(noisy(seed, 40)) })),
];

const folder = mkdtempSync(join(tmpdir(), 'callbacks-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(given: Case, position: number): Promise<{ csv: string; saved: number[]; stopped: number | null }> {
  const path = join(folder, `${position}.csv`);
  const saved: number[] = [];
  let stopped: number | null = null;
  let epoch = 0;
  const training = {
    saveWeights: async (): Promise<void> => {
      saved.push(epoch);
    },
    stop: (): void => {
      stopped = epoch;
    },
    say: (): void => {},
  };
  const callbacks = [
    new CSVLogger(path),
    new ModelCheckpoint({ pathOf: () => 'best.weights.h5', monitor: given.monitor, saveBestOnly: true }),
    new EarlyStopping('val_loss', given.patience),
  ];
  for (; epoch < given.logs.length && stopped === null; epoch++) {
    const logs: Logs = Object.fromEntries(
      Object.entries(given.logs[epoch]).map(([key, value]) => [key, value === null ? Number.NaN : Math.fround(value)]),
    );
    for (const callback of callbacks) await callback.onEpochEnd(epoch, logs, training);
  }
  return { csv: readFileSync(path, 'utf8'), saved, stopped };
}

describe('keras.callbacks: CSVLogger, ModelCheckpoint, EarlyStopping', () => {
  it('write the same bytes, save at the same epochs and stop at the same epoch as Keras', async () => {
    const script = join(import.meta.dirname, '../../fixtures/keras/callbacks.py');
    const expected = JSON.parse(await runPython([script], { input: JSON.stringify(cases) })) as unknown[];
    const found = [];
    for (const [position, given] of cases.entries()) found.push(await run(given, position));
    expect(found).toEqual(expected);
  });
});
