import { join } from 'node:path';
import { makeOwnFolder } from '../own_files.ts';
import { EventFile } from '../tensorflow/event_file.ts';
import type { Callback, Logs } from './callbacks.ts';

/**
 * Writes the figures of each epoch for TensorBoard: `epoch_loss`, `epoch_acc`, … in the runs `train` and, for `val_*`, `validation`. Twin of
 * `keras.callbacks.TensorBoard(log_dir, write_graph=False)`, for its scalars per epoch. Close it when done.
 */
export class TensorBoard implements Callback {
  readonly #folder: string;
  readonly #files = new Map<'train' | 'validation', EventFile>();

  constructor(folder: string) {
    this.#folder = folder;
    makeOwnFolder(folder);
  }

  async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    const isValidation = (name: string): boolean => name.startsWith('val_');
    const names = Object.keys(logs);
    this.#add(
      'train',
      epoch,
      logs,
      names.filter((name) => !isValidation(name)),
    );
    this.#add('validation', epoch, logs, names.filter(isValidation));
  }

  close(): void {
    for (const file of this.#files.values()) file.close();
  }

  #add(run: 'train' | 'validation', epoch: number, logs: Logs, names: readonly string[]): void {
    if (names.length === 0) return;
    const file = this.#files.get(run) ?? new EventFile(join(this.#folder, run));
    this.#files.set(run, file);
    file.addScalars(epoch, Object.fromEntries(names.map((name) => [`epoch_${name.replace(/^val_/, '')}`, logs[name]])));
  }
}
