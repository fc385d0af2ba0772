import { describe, expect, it } from 'vitest';
import { gpuCount, hasDevice } from '../../src/graph/devices.ts';
import { runtime } from '../../src/graph/runtime.ts';

describe('devices', () => {
  it('a device that TensorFlow has is found, one that it does not have is not', () => {
    expect([0, 1].map((number) => hasDevice(`/device:CPU:${number}`))).toEqual([true, false]);
    expect(gpuCount() > 0).toBe(runtime().usesGpu);
  });

  it('a name that TensorFlow cannot read is an error, not a missing device', () => {
    expect(() => hasDevice('the first one')).toThrow('Malformed device specification');
  });

  it('looking for a device leaves no graph behind', () => {
    const before = runtime().modelCount;
    for (const number of [0, 7]) hasDevice(`/device:CPU:${number}`);
    expect(runtime().modelCount).toBe(before);
  });
});
