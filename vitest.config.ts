import { defineConfig } from 'vitest/config';
import { cpuLimit, memoryLimit } from './src/lib/machine.ts';
import { LongestFirst } from './test/longest_first.ts';
import { watchTwins } from './test/proofs/plugin.ts';

// Long tests (fault campaigns, other Node versions) are named *.full.test.ts and run by `npm run test:full` only.
const full = process.env.ECG_TEST_FULL === '1';

export default defineConfig({
  plugins: [watchTwins],
  test: {
    include: full ? ['test/**/*.test.ts'] : ['test/**/!(*.full).test.ts'],
    // One process per test file: a TensorFlow session and its threads end with the file that made them.
    pool: 'forks',
    setupFiles: ['test/typed_arrays.ts'],
    // Many of them wait for a process that they start, so two share a single CPU; with its Python a file takes up to 4 GB.
    maxWorkers: Math.max(2, Math.min(cpuLimit(), Math.floor(memoryLimit() / 4e9))),
    sequence: { sequencer: LongestFirst },
    testTimeout: full ? 1_800_000 : 60_000,
    hookTimeout: full ? 1_800_000 : 60_000,
    env: { TF_CPP_MIN_LOG_LEVEL: '2' },
  },
});
