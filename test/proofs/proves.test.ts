import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { auc, CustomCheckpoint, f1 } from '../../src/port/transplant/evaluation.ts';
import { runPython } from '../python.ts';
import { constantOf, proves, proving } from './proves.ts';
import { declaredIn } from './twins.ts';

const y = ndarray('float64', [2, 2], Float64Array.of(0, 1, 1, 0));
const program = `
import numpy as np
from transplant import evaluation
from transplant.datasets import icentia11k

y = np.array([[0.0, 1.0], [1.0, 0.0]])
evaluation.f1(y, y)
evaluation.CustomCheckpoint("none", (y, y), evaluation.f1).metric_name
print(icentia11k.ds_mean)`;

/** In a variable, because a literal within `proves(…)` would be a declaration of this file. */
const [f1Name, aucName, meanName] = [
  'transplant.evaluation.f1',
  'transplant.evaluation.auc',
  'transplant.datasets.icentia11k.ds_mean',
];
const nothing = async (): Promise<void> => undefined;

describe('proves', () => {
  it('passes if the test calls both sides: functions, classes, methods, constants', async () => {
    proves('transplant.evaluation.f1', 'transplant.evaluation.CustomCheckpoint');
    proves('transplant.evaluation.CustomCheckpoint.metric_name', 'transplant.datasets.icentia11k.ds_mean');
    f1(y, y);
    const scoreFn = Object.assign(f1.bind(null), { metricName: 'f1' });
    const options = { pathOf: String, predict: () => y, yTrue: y, scoreFn, saveBestOnly: true };
    expect(new CustomCheckpoint(options).metricName).toBe('f1');
    expect(await constantOf('transplant.datasets.icentia11k.ds_mean')).toBe(Number(await runPython(['-c', program])));
  }, 120_000);

  it.fails('fails the test if its twin was not called', () => proves(f1Name));

  it.fails('fails the test if the original was not called', () => {
    proves(f1Name);
    f1(y, y);
  });

  it('what another test called does not count', async () => {
    await expect(proving([f1Name], nothing)).rejects.toThrow();
  });
});

describe('proving', () => {
  it.each([
    ['a twin that was not called', f1Name, nothing, 'has not called f1 of src/port/transplant/evaluation.ts'],
    [
      'a call of another twin',
      aucName,
      async () => f1(y, y),
      'has not called auc of src/port/transplant/evaluation.ts',
    ],
    [
      'an original that was not called',
      aucName,
      async () => auc(y, y),
      'has not called transplant.evaluation.auc of original/',
    ],
    ['a constant that was not read', meanName, nothing, 'has not read dsMean of src/port'],
    [
      'a constant that only the port read',
      meanName,
      () => constantOf(meanName),
      `has not read ${meanName} of original/`,
    ],
    ['a method that was not called', 'transplant.evaluation.CustomCheckpoint.on_epoch_end', nothing, 'onEpochEnd'],
    ['an unknown function', 'transplant.evaluation.f2', nothing, 'evaluation.ts exports no f2'],
    ['an unknown method', 'transplant.evaluation.CustomCheckpoint.other', nothing, 'exports no CustomCheckpoint.other'],
    ['an unknown module', 'transplant.elsewhere.f1', nothing, 'src/port has no module of this path'],
  ])('refuses %s', async (_, name, run, message) => {
    await expect(proving([name], run)).rejects.toThrow(message);
  });
});

describe('declaredIn', () => {
  it('finds the literals within proves(…), and nothing in comments or texts', () => {
    const source = `// proves('a.b')\nproves('c.d', 'a.c');\nit('x', () => { proves('c.d'); proves(name); log("proves('e.f')"); });`;
    expect(declaredIn(source)).toEqual(['a.c', 'c.d']);
  });
});
