import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { cpuLimit, machine } from '../../src/lib/machine.ts';

/** Reader of a pretended /proc and /sys. */
function files(map: { readonly [path: string]: string | undefined }): (path: string) => string | undefined {
  return (path) => map[path];
}

const available = availableParallelism();

test.each([
  { what: 'no control group', map: {}, limit: available },
  { what: 'version 2, no quota', map: { '/sys/fs/cgroup/cpu.max': 'max 100000\n' }, limit: available },
  { what: 'version 2, one CPU', map: { '/sys/fs/cgroup/cpu.max': '100000 100000\n' }, limit: 1 },
  { what: 'version 2, half a CPU', map: { '/sys/fs/cgroup/cpu.max': '50000 100000\n' }, limit: 1 },
  {
    what: 'version 2, quota of an outer group',
    map: {
      '/proc/self/cgroup': '0::/a/b\n',
      '/sys/fs/cgroup/a/b/cpu.max': 'max 100000',
      '/sys/fs/cgroup/a/cpu.max': '100000 100000',
    },
    limit: 1,
  },
  {
    what: 'version 1, one CPU',
    map: { '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '100000', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000' },
    limit: 1,
  },
  { what: 'version 1, no quota', map: { '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1' }, limit: available },
  { what: 'a quota above the affinity', map: { '/sys/fs/cgroup/cpu.max': '99900000 100000' }, limit: available },
])('CPUs: $what', ({ map, limit }) => {
  expect(cpuLimit(files(map))).toBe(limit);
});

test('memory is limited by the control group', () => {
  const map = {
    '/proc/meminfo': 'MemTotal: 9000000 kB\nMemAvailable:    8000000 kB\n',
    '/sys/fs/cgroup/memory.max': '3000000000\n',
    '/sys/fs/cgroup/memory.current': '1000000000\n',
  };
  expect(machine('/', files(map))).toMatchObject({ memoryFree: 2e9, memoryTotal: 3e9 });
});

test('lists the processor features that change kernels', () => {
  const map = { '/proc/cpuinfo': 'processor : 0\nflags\t\t: fpu sse avx avx2 fma avx512f\n' };
  expect(machine('/', files(map)).cpuFeatures).toEqual(['avx', 'avx2', 'fma', 'avx512f']);
});
