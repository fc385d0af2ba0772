import { describe, expect, it } from 'vitest';
import { networkBatches } from '../../../src/compare/batches.ts';
import { networks } from '../../../src/compare/networks/compared.ts';
import { activationRows, gradientRows, optimiserRows, teacherForcedSteps } from '../../../src/compare/networks/rows.ts';
import { settledMoments, withTwins } from '../../../src/compare/networks/sides.ts';
import { suiteNames, taskNames } from '../../../src/compare/suite.ts';
import { limitsOf } from '../../../src/compare/tolerances.ts';
import type { NdArray } from '../../../src/lib/numpy/ndarray.ts';
import { archs } from '../../../src/port/finetuning/utils.ts';
import { faults, none, openSides, run, valuesOf } from './data_suites.ts';
import { networkSuites } from './network_suites.ts';

const sides = openSides();

describe('suites about networks', () => {
  it.each(networkSuites)('$name: names of cases are unique, some are quick, the name is one of all', (suite) => {
    const { name, cases } = suite;
    expect(suiteNames).toContain(name);
    expect(new Set(cases.map((one) => one.name)).size).toBe(cases.length);
    expect(cases.filter(({ quick }) => quick).length).toBeGreaterThan(0);
  });

  it('the networks are every architecture in every task, with one lead and twelve, one label and several', () => {
    for (const arch of archs) {
      const tasks = networks.filter((network) => network.arch === arch).map(({ task }) => task);
      expect(new Set(tasks)).toEqual(new Set(taskNames));
      const heads = networks.filter(({ task, stages, ...network }) => {
        return network.arch === arch && task === 'finetuning' && stages === undefined;
      });
      expect(heads.map(({ leads, multiLabel }) => `${leads} ${multiLabel}`).sort()).toEqual(
        ['1 false', '1 true', '12 false', '12 true'].sort(),
      );
    }
  });

  it.each(networkSuites.filter(({ name }) => name !== 'resume' && name !== 'replicas'))(
    '$name: a small network with several labels on 12 leads passes',
    async (suite) => {
      const cases = suite.cases.filter(({ name }) => name.startsWith('resnet50 with 1 stage'));
      const findings = await run(suite, cases, sides);
      expect(faults(findings)).toEqual(none);
      expect(findings.rows.every(({ suite: name }) => name === suite.name)).toBe(true);
      if (suite.name !== 'predictions') expect(valuesOf(findings)).toBeGreaterThan(100_000);
    },
    300_000,
  );

  it('replicas: training on two devices passes against tf_keras', async () => {
    const suite = networkSuites.find(({ name }) => name === 'replicas')!;
    const cases = suite.cases.filter(({ quick }) => quick);
    const findings = await run(suite, cases, sides);
    expect(faults(findings)).toEqual(none);
    expect(findings.rows).toHaveLength(6);
    expect(valuesOf(findings)).toBeGreaterThan(1_000_000);
  }, 300_000);

  it('replicas: each of two devices of MirroredStrategy trains for itself under Keras 3 (Quirk Q60)', async () => {
    const suite = networkSuites.find(({ name }) => name === 'replicas')!;
    const cases = suite.cases.filter(({ name }) => name === 'two devices exchange nothing on Keras 3');
    const findings = await run(suite, cases, sides);
    expect(faults(findings)).toEqual(none);
    expect(findings.rows.map(({ name }) => name)).toEqual([
      expect.stringContaining('device 1'),
      expect.stringContaining('device 2'),
    ]);
  }, 300_000);

  it.each(networkSuites.filter(({ name }) => name === 'activations' || name === 'gradients'))(
    '$name: contrastive predictive coding passes',
    async (suite) => {
      const cases = suite.cases.filter(({ name }) => name === 'resnet18 with 1 stage, cpc');
      expect(faults(await run(suite, cases, sides))).toEqual(none);
    },
    300_000,
  );

  it('resume: a job that was stopped twice ends with the bits of one that was not', async () => {
    const suite = networkSuites.find(({ name }) => name === 'resume')!;
    const cases = suite.cases.filter(({ name }) => name === 'resnet50 with 1 stage, hr');
    const findings = await run(suite, cases, sides);
    expect(faults(findings)).toEqual(none);
    expect(findings.rows.map(({ name }) => name)).toContain('history.csv');
  }, 300_000);

  it('notice a kernel that is one part in a million off, and moments that are one in a thousand off', async () => {
    const network = networks.find(({ name }) => name.startsWith('resnet18 with 1 stage, finetuning'))!;
    const [batch] = networkBatches(sides.data, network, 1, 5);
    const kind = { ...network, precision: 'float64', seed: 5 } as const;
    const limits = limitsOf(network, 'float64');
    await withTwins(sides.original, batch, kind, async (twins) => {
      const { port, weights } = twins;
      const moments = settledMoments(port.session.model);
      await twins.network.write({ weights, moments, iterations: 3 });
      const taught = await teacherForcedSteps({ ...twins, port: withMoments(port, scaled) }, [batch]);
      expect(optimiserRows(taught, limits, 'start').map(({ passed }) => passed)).toEqual([false, false]);

      await twins.network.write({ weights });
      await port.write({ weights: [scaled(weights[0], 1e-6), ...weights.slice(1)] });
      for (const rows of [await activationRows(twins, batch, limits), await gradientRows(twins, batch, limits)]) {
        expect(rows.map(({ passed }) => passed)).toEqual(rows.map(() => false));
      }
    });
  }, 300_000);
});

/** An array a little larger than it should be. */
function scaled(array: NdArray, by = 1e-3): NdArray {
  return { ...array, data: (array.data as Float64Array).map((value) => value * (1 + by)) };
}

/** The port with other moments than it is told to take. */
function withMoments(port: Parameters<typeof teacherForcedSteps>[0]['port'], change: typeof scaled): typeof port {
  return {
    activations: (...args) => port.activations(...args),
    predict: (...args) => port.predict(...args),
    gradients: (...args) => port.gradients(...args),
    inputGradients: (...args) => port.inputGradients(...args),
    trainSteps: (batches) => port.trainSteps(batches),
    read: () => port.read(),
    write: ({ moments, ...state }) => port.write({ ...state, moments: moments?.map((moment) => change(moment)) }),
  };
}
