import { oneLine, shellCommand } from '../../text.ts';
import type { TaskList } from './task_list.ts';

/**
 * A Makefile with a target for each task. A recipe becomes the task's process (`exec`), so that it gets the signals that make passes on.
 *
 * @param use how to start it, for the comment at the top.
 */
export function makefileOf({ experiment, folder, tasks }: TaskList, use: string): string {
  const ids = tasks.map(({ id }) => id);
  const head = [
    `# Tasks of the experiment ${oneLine(experiment)} in ${oneLine(shellCommand([folder]))}`,
    `# Start them, two at a time: ${oneLine(use)}`,
    '# With -k, make goes on with the other tasks if one fails. "Error 75" means that a task was paused: run make again.',
    'SHELL := /bin/sh',
    `.PHONY: all ${ids.join(' ')}`,
    `all: ${ids.join(' ')}`,
  ];
  const rules = tasks.map(({ id, needs, command }) => {
    const words = shellCommand(command).replaceAll('$', '$$$$');
    return `${id}:${needs.map((need) => ` ${need}`).join('')}\n\t@exec ${words}`;
  });
  return `${head.join('\n')}\n\n${rules.join('\n\n')}\n`;
}
