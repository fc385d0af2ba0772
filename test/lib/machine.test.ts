import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { cpuLimit, machine, memoryLimit, type Sources } from '../../src/lib/machine.ts';

/** A pretended machine: files of /proc and /sys, and variables. */
function pretended(map: { readonly [path: string]: string | undefined }, env: NodeJS.ProcessEnv = {}): Sources {
  return { read: (path) => map[path], env };
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
  {
    what: 'version 1, quota of the own group and a wider one outside it',
    map: {
      '/proc/self/cgroup': '4:cpu,cpuacct:/slurm/job_7/step_0\n1:name=systemd:/\n0::/\n',
      '/sys/fs/cgroup/cpu/slurm/job_7/step_0/cpu.cfs_quota_us': '-1',
      '/sys/fs/cgroup/cpu/slurm/job_7/step_0/cpu.cfs_period_us': '100000',
      '/sys/fs/cgroup/cpu/slurm/job_7/cpu.cfs_quota_us': '100000',
      '/sys/fs/cgroup/cpu/slurm/job_7/cpu.cfs_period_us': '100000',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '6400000',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
    },
    limit: 1,
  },
  { what: 'a quota above the affinity', map: { '/sys/fs/cgroup/cpu.max': '99900000 100000' }, limit: available },
])('CPUs: $what', ({ map, limit }) => {
  expect(cpuLimit(pretended(map))).toBe(limit);
});

test.each([
  { what: 'CPUs of each task', env: { SLURM_CPUS_PER_TASK: '1', SLURM_CPUS_ON_NODE: '64' }, limit: 1 },
  { what: 'CPUs on the node, where none are asked for', env: { SLURM_CPUS_ON_NODE: '1' }, limit: 1 },
  { what: 'more CPUs than the machine has', env: { SLURM_CPUS_PER_TASK: '4096' }, limit: available },
  { what: 'something else', env: { SLURM_CPUS_PER_TASK: '' }, limit: available },
])('CPUs of a Slurm job: $what', ({ env, limit }) => {
  expect(cpuLimit(pretended({}, env))).toBe(limit);
});

test.each([
  {
    what: 'of version 2',
    map: { '/sys/fs/cgroup/memory.max': '3000000000\n', '/sys/fs/cgroup/memory.current': '1000000000\n' },
  },
  {
    what: 'of version 1, where only the root is in sight, as in a container',
    map: {
      '/proc/self/cgroup': '4:memory:/docker/1234\n0::/\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '3000000000\n',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': '1000000000\n',
    },
  },
  {
    what: 'of version 1, which Slurm has made for the job, within a wider one',
    map: {
      '/proc/self/cgroup': '7:memory:/slurm/uid_1000/job_7/step_0/task_0\n0::/\n',
      '/sys/fs/cgroup/memory/slurm/uid_1000/job_7/step_0/task_0/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/memory/slurm/uid_1000/job_7/memory.limit_in_bytes': '3000000000\n',
      '/sys/fs/cgroup/memory/slurm/uid_1000/job_7/memory.usage_in_bytes': '1000000000\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '6000000000\n',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': '2000000000\n',
    },
  },
])('memory is limited by the control group $what', ({ map }) => {
  const info = { '/proc/meminfo': 'MemTotal: 9000000 kB\nMemAvailable:    8000000 kB\n' };
  expect(machine('/', pretended({ ...info, ...map }))).toMatchObject({ memoryFree: 2e9, memoryTotal: 3e9 });
  expect(memoryLimit(pretended(map))).toBe(3e9);
});

test('lists the processor features that change kernels', () => {
  const map = { '/proc/cpuinfo': 'processor : 0\nflags\t\t: fpu sse avx avx2 fma avx512f\n' };
  expect(machine('/', pretended(map)).cpuFeatures).toEqual(['avx', 'avx2', 'fma', 'avx512f']);
});
