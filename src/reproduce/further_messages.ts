import { RunFolder } from './run_folder.ts';
import type { RunSettings } from './settings.ts';

/** A run as it travels to another process, which gets no methods. */
export type SentRun = Omit<RunSettings, 'folder'> & { readonly root: string };

/** What a further process is asked to do. */
export type FurtherRequest =
  | { readonly kind: 'open'; readonly run: SentRun }
  /** Run a task; by its id. */
  | { readonly kind: 'run'; readonly task: string };

/** What it answers. */
export type FurtherReply = { readonly kind: 'opened' } | { readonly kind: 'ran' };

/** What it says while it works: a line for the reader, or how far it is with the task. `step` is the step's title. */
export type FurtherEvent =
  | { readonly kind: 'message' | 'warning'; readonly text: string }
  | { readonly kind: 'begins'; readonly step: string }
  | { readonly kind: 'finished'; readonly step: string; readonly seconds: number };

export function sent({ folder, ...others }: RunSettings): SentRun {
  return { ...others, root: folder.root };
}

export function received({ root, ...others }: SentRun): RunSettings {
  return { ...others, folder: new RunFolder(root) };
}
