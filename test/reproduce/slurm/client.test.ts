import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  parseElapsed,
  parseLimits,
  parseQueue,
  parseSubmitted,
  SlurmClient,
  SlurmError,
} from '../../../src/reproduce/slurm/client.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg-slurm-client-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Stands in for one of Slurm's programs; returns the environment that finds it. */
function program(name: string, text: string): NodeJS.ProcessEnv {
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return { ...process.env, PATH: `${folder}:${process.env.PATH}` };
}

describe('what Slurm 22.05.8 prints', () => {
  it('squeue: tasks of arrays, with state and reason', () => {
    const text = `1|0|PENDING|None|0:00||ecg-63ea5b95-data-1
13|2|PENDING|Dependency|0:00||ecg-63ea5b95-suites-11
1|1|PENDING|JobArrayTaskLimit|0:00||ecg-63ea5b95-data-1
3|0|RUNNING|None|1-02:03:04|vm|ecg-63ea5b95-check-1
`;
    expect(parseQueue(text)).toHaveLength(4);
    expect(parseQueue(text)[1]).toEqual({
      array: 13,
      index: 2,
      name: 'ecg-63ea5b95-suites-11',
      state: 'PENDING',
      reason: 'Dependency',
      seconds: 0,
      node: '',
    });
    expect(parseQueue(text)[3]).toMatchObject({ state: 'RUNNING', seconds: 93_784, node: 'vm' });
  });

  it('squeue: jobs that are not arrays, names of clusters and empty lines are left out', () => {
    expect(parseQueue('CLUSTER: alpha\n77|N/A|RUNNING|None|0:01|vm|bash\n\n')).toEqual([]);
    expect(parseQueue('')).toEqual([]);
  });

  it('squeue: times', () => {
    expect(['0:07', '59:59', '2:00:01', '10-00:00:00', 'INVALID', ''].map(parseElapsed)).toEqual([
      7, 3599, 7201, 864_000, 0, 0,
    ]);
  });

  it('sbatch --parsable: the number, with the name of the cluster if there are several', () => {
    expect(parseSubmitted('17\n')).toBe(17);
    expect(parseSubmitted('17;alpha\n')).toBe(17);
    expect(() => parseSubmitted('Submitted batch job 17\n')).toThrow(/did not print the number of the job/);
  });

  it('scontrol show config: the size of arrays', () => {
    expect(parseLimits('MaxArraySize            = 4000001\nMaxJobCount             = 10000\n')).toEqual({
      arraySize: 4_000_001,
    });
    expect(parseLimits('')).toEqual({ arraySize: 1001 });
  });
});

describe('SlurmClient', () => {
  it('shows only jobs of the run', async () => {
    const env = program(
      'squeue',
      `printf '1|0|PENDING|None|0:00||ecg-a-data-1\\n2|0|PENDING|None|0:00||ecg-b-data-1\\n'`,
    );
    expect((await new SlurmClient(env).queue('ecg-b-')).map(({ array }) => array)).toEqual([2]);
  });

  it('hands words to Slurm as they are, without a shell', async () => {
    const env = program('sbatch', `printf '%s\\n' "$@" > ${folder}/words; echo 17`);
    expect(await new SlurmClient(env).submit(['--comment', '$HOME; "two words"'], '/a b/c.sh')).toBe(17);
    expect(readFileSync(join(folder, 'words'), 'utf8')).toBe('--parsable\n--comment\n$HOME; "two words"\n/a b/c.sh\n');
  });

  it('repeats what Slurm said when it refused', async () => {
    const env = program(
      'sbatch',
      `echo 'sbatch: error: invalid partition specified: nope' >&2; echo 'allocation failure: Invalid partition name' >&2; exit 1`,
    );
    const refused = new SlurmClient(env).check(['--partition=nope']);
    await expect(refused).rejects.toThrow(SlurmError);
    await expect(refused).rejects.toThrow(
      'sbatch refused; got invalid partition specified: nope; allocation failure: Invalid partition name',
    );
  });

  it('says where to type the command if there is no Slurm; without scontrol the limits are those of Slurm by default', async () => {
    const client = new SlurmClient({ PATH: folder });
    await expect(client.queue('ecg-')).rejects.toThrow(
      /there is no squeue here; expected Slurm's commands in PATH\. Type the command on a login node/,
    );
    expect(await client.limits()).toEqual({ arraySize: 1001 });
  });

  it('keeps variables of an interactive job from the new ones', async () => {
    const env = program('squeue', 'echo "1|0|$SLURM_CPUS_PER_TASK|$SQUEUE_STATES|0:00|$SLURM_CONF|x"');
    const inJob = { ...env, SLURM_CPUS_PER_TASK: '7', SQUEUE_STATES: 'RUNNING', SLURM_CONF: '/etc/x' };
    expect(await new SlurmClient(inJob).queue('x')).toMatchObject([{ state: '', reason: '', node: '/etc/x' }]);
  });
});
