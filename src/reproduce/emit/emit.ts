import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson } from '../../lib/json/file.ts';
import { writeFileAtomic } from '../../lib/python/atomic_file.ts';
import { shellCommand } from '../../text.ts';
import type { RunSettings } from '../settings.ts';
import type { Task } from '../tasks.ts';
import { type KubernetesOptions, kubernetesStages, stageScript } from './kubernetes.ts';
import { makefileOf } from './makefile.ts';
import { taskListOf } from './task_list.ts';

/** Forms in which tasks can be written for others to run. */
export const taskForms = ['json', 'make', 'kubernetes'] as const;

/** What was written, and how to use it. */
export interface Emitted {
  readonly file: string;
  /** A command for the user. */
  readonly use?: string;
}

/** Writes tasks as data, `tasks.json`, into the folder of the run. */
export function emitJson(run: RunSettings, tasks: readonly Task[]): Emitted {
  const file = join(run.folder.root, 'tasks.json');
  writeJson(file, taskListOf(run, tasks));
  return { file };
}

/** Writes tasks as `Makefile` into the folder of the run. */
export function emitMakefile(run: RunSettings, tasks: readonly Task[]): Emitted {
  const file = join(run.folder.root, 'Makefile');
  const use = shellCommand(['make', '-j2', '-f', file]);
  writeFileAtomic(file, makefileOf(taskListOf(run, tasks), use));
  return { file, use };
}

/** Writes tasks as manifests for Kubernetes, and the script that applies them in order, into the folder of the run. */
export function emitKubernetes(run: RunSettings, tasks: readonly Task[], options: KubernetesOptions): Emitted {
  const folder = join(run.folder.root, 'kubernetes');
  const stages = kubernetesStages(run, tasks, options);
  // Stages of an earlier call would be taken for a part of this one.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { file, manifest } of stages) writeJson(join(folder, file), manifest);
  const script = join(folder, 'run.sh');
  writeFileAtomic(script, stageScript(stages));
  chmodSync(script, 0o755);
  return { file: folder, use: shellCommand([script]) };
}
