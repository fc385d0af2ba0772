import {
  array,
  boolean,
  description,
  literal,
  minLength,
  minValue,
  object,
  picklist,
  pipe,
  regex,
  string,
} from 'valibot';
import { finiteNumber, name } from '../../lib/json/fields.ts';
import type { Described } from '../../lib/json/file.ts';
import type { RunSettings } from '../settings.ts';
import { taskKinds } from '../step.ts';
import { type Task, taskCommand } from '../tasks.ts';

const taskName = pipe(string(), regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/));

/** Content of `tasks.json`: the tasks of a run that are not done, for any scheduler. */
export type TaskList = Described<typeof taskListSchema>;

export const taskListSchema = object({
  format: literal(1),
  experiment: pipe(name, description('Name of the experiment')),
  folder: pipe(string(), description('Folder of the run')),
  tasks: pipe(
    array(
      object({
        id: pipe(taskName, description('Unique in the run')),
        kind: pipe(picklist(taskKinds), description('What the task does')),
        command: pipe(
          array(string()),
          minLength(1),
          description(
            'Program and arguments, the same from any folder. Exit codes: 0 done, 75 paused (start it again), any other: failed. The task finish ends with 1 if the comparison found a difference',
          ),
        ),
        needs: pipe(array(taskName), description('Ids of the tasks of this list that must be done before')),
        gpu: pipe(boolean(), description('Whether a GPU makes it faster')),
        seconds: pipe(finiteNumber, minValue(0), description('Rough time on two cores')),
        resumes: pipe(
          boolean(),
          description(
            'Whether it goes on where it was paused or killed. Otherwise it starts again, so it has to fit into one time limit',
          ),
        ),
      }),
    ),
    description('Each task comes after those that it needs'),
  ),
});

/** @param tasks those that are not done, each after those that it needs. */
export function taskListOf(run: RunSettings, tasks: readonly Task[]): TaskList {
  const listed = new Set(tasks);
  return {
    format: 1,
    experiment: run.experiment.name,
    folder: run.folder.root,
    tasks: tasks.map((task) => ({
      id: task.id,
      kind: task.kind,
      command: taskCommand(run, task),
      needs: task.needs.filter((need) => listed.has(need)).map(({ id }) => id),
      gpu: task.gpu,
      seconds: task.seconds,
      resumes: task.resumes,
    })),
  };
}
