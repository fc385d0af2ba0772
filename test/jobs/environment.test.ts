import { describe, expect, test } from 'vitest';
import { differences, type Environment } from '../../src/jobs/environment.ts';

const environment: Environment = {
  version: '1.0.0',
  node: '20.0.0',
  tensorflow: '2.16.1',
  libraries: { '/a/libtensorflow_cc.so.2': 'abc' },
  platform: 'linux x64',
  processor: 'Xeon',
  gpu: false,
  settings: { TF_NUM_INTRAOP_THREADS: '2' },
};

describe('what can change the last bits of a job', () => {
  test('other versions of Node and of the package cannot', () => {
    expect(differences(environment, { ...environment, version: '2.0.0', node: '22.0.0' })).toBe('');
  });

  test('the same libraries may be in another folder; other libraries are reported', () => {
    expect(differences(environment, { ...environment, libraries: { '/b/libtensorflow_cc.so.2': 'abc' } })).toBe('');
    expect(differences(environment, { ...environment, libraries: { '/a/libtensorflow_cc.so.2': 'abd' } })).toBe(
      'the TensorFlow libraries are other files',
    );
  });

  test('another processor and another number of threads are reported', () => {
    const other = { ...environment, processor: 'EPYC', settings: {} };
    expect(differences(environment, other)).toBe(
      'processor was "Xeon", is "EPYC"; settings was {"TF_NUM_INTRAOP_THREADS":"2"}, is {}',
    );
  });
});
