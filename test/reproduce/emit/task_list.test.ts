import { join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import { describe, expect, it } from 'vitest';
import { experiments } from '../../../src/experiments.ts';
import { faultOf } from '../../../src/lib/json/file.ts';
import { taskListOf, taskListSchema } from '../../../src/reproduce/emit/task_list.ts';
import { planTasks } from '../../../src/reproduce/tasks.ts';
import { root } from '../../shared_data.ts';
import { settingsIn } from '../run_settings.ts';

const run = settingsIn('/a folder/run', { experiment: experiments.smallest });

describe('taskListOf', () => {
  it('lists each task with its command, after the tasks that it needs', () => {
    const list = taskListOf(run, planTasks(run));
    expect(faultOf(list, taskListSchema)).toBeUndefined();
    expect(list.experiment).toBe('smallest');
    expect(list.folder).toBe('/a folder/run');
    const ids = list.tasks.map(({ id }) => id);
    for (const [i, { id, needs, command }] of list.tasks.entries()) {
      for (const need of needs) expect(ids.slice(0, i)).toContain(need);
      expect(command.slice(-2)).toEqual(['--run-task', id]);
    }
    expect(list.tasks.at(-1)).toMatchObject({ id: 'finish', kind: 'finish', gpu: false, resumes: false });
  });

  it('needs only what is on the list', () => {
    const open = planTasks(run).filter(({ id }) => ['finetuning-physionet-beat-trial-1', 'finish'].includes(id));
    expect(taskListOf(run, open).tasks.map(({ needs }) => needs)).toEqual([[], ['finetuning-physionet-beat-trial-1']]);
  });
});

describe('tasks.schema.json', () => {
  it('is the schema of the list, written as JSON Schema', async () => {
    const options = { target: 'draft-2020-12', errorMode: 'ignore' } as const;
    const text = `${JSON.stringify(toJsonSchema(taskListSchema, options), null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(join(root, 'src', 'reproduce', 'emit', 'tasks.schema.json'));
  });
});
