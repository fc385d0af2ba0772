import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tolerancesPage } from '../../src/compare/tolerance_table.ts';
import { families, familyLimits, familyOf, freeLimitsOf, limitsOf, quantities } from '../../src/compare/tolerances.ts';
import { root } from '../shared_data.ts';

const all = families.flatMap((family) =>
  (['float32', 'float64'] as const).flatMap((precision) =>
    Object.entries(familyLimits(family, precision)).map(([quantity, tolerance]) => ({
      title: `${family}, ${precision}, ${quantity}`,
      precision,
      quantity,
      tolerance,
    })),
  ),
);

describe('tolerances', () => {
  it.each(all)('$title: at most ten times a measured noise, with a reason', ({ tolerance, precision }) => {
    const { limit, noise, reason, rung } = tolerance;
    expect(noise).toBeGreaterThan(0);
    expect(limit).toBeGreaterThan(noise);
    expect(limit).toBeLessThanOrEqual(10.0001 * noise);
    expect(reason.length).toBeGreaterThan(10);
    expect(rung).toBe(precision);
  });

  it('every quantity has a limit in float64, all but free-running ones in float32', () => {
    for (const task of ['finetuning', 'cpc'] as const) {
      const names = Object.keys(quantities).sort();
      expect(Object.keys({ ...limitsOf({ task }, 'float64'), ...freeLimitsOf({ task }) }).sort()).toEqual(names);
      const single = Object.keys(limitsOf({ task }, 'float32')).sort();
      expect(single).toEqual(names.filter((name) => !name.startsWith('free')));
    }
    const networks = [
      {},
      { arch: 'resnet50', task: 'hr' },
      { task: 'cpc' },
      { arch: 'resnet34', task: 'cpc' },
    ] as const;
    expect(networks.map(familyOf)).toEqual(['resnet18 classifier', 'deeper classifier', 'resnet18 cpc', 'deeper cpc']);
  });

  it('no limit lets a side pass that does nothing', () => {
    const limits = families.flatMap((family) => Object.values(familyLimits(family, 'float32')));
    for (const { limit } of limits) expect(limit).toBeLessThanOrEqual(0.5);
  });

  it('in float64, activations and gradients may be 1e-10 off at most, ten free-running losses of resnet18 1e-9', () => {
    for (const network of [{}, { arch: 'resnet50' }, { task: 'cpc' }, { arch: 'resnet50', task: 'cpc' }] as const) {
      const { activations, outputs, gradients, losses } = limitsOf(network, 'float64');
      for (const { limit } of [activations, outputs, gradients, losses]) expect(limit).toBeLessThanOrEqual(1e-10);
    }
    expect(freeLimitsOf({}).freeLosses.limit).toBeLessThanOrEqual(1e-9);
  });

  it('free-running limits rise with the noise of the same start, never above 0.5, and never fall', () => {
    const deep = { arch: 'resnet50' } as const;
    const table = freeLimitsOf(deep);
    const kept = { freeLosses: table.freeLosses, freeWeights: table.freeWeights };
    const { freeLosses, freeWeights } = freeLimitsOf(deep, { freeLosses: 3.4e-8, freeWeights: 1e-12 });
    expect(freeLosses).toMatchObject({ noise: 3.4e-8, limit: 3.4e-7, floor: 0.01 });
    expect(freeLosses.reason).toContain('same start');
    expect(freeWeights).toEqual(table.freeWeights);
    expect(freeLimitsOf(deep, { freeLosses: 0.2, freeWeights: 0 }).freeLosses.limit).toBe(0.5);
    for (const nothing of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(freeLimitsOf(deep, { freeLosses: nothing, freeWeights: nothing })).toEqual(kept);
    }
  });

  it('docs/tolerances.md is current', () => {
    expect(readFileSync(join(root, 'docs', 'tolerances.md'), 'utf8')).toBe(tolerancesPage());
  });
});
