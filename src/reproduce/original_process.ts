import { handshake } from '../bridge/handshake.ts';
import type { PythonFacts } from '../bridge/original.ts';
import { Original } from '../bridge/original.ts';
import type { Reporter } from '../events.ts';
import { runtime } from '../graph/runtime.ts';
import type { RunSettings } from './settings.ts';

/** The Python process of a run, and its facts. All steps share one process, which starts when it is first needed. */
export class OriginalProcess {
  readonly #run: RunSettings;
  readonly #report: Reporter;
  #opened: { readonly original: Original; readonly facts: PythonFacts } | undefined;

  constructor(run: RunSettings, report: Reporter) {
    this.#run = run;
    this.#report = report;
  }

  /** The original. Throws BridgeStartError if Python cannot be started or does not match the lock file. */
  async original(): Promise<Original> {
    return (await this.#open()).original;
  }

  /** Versions and libraries of the Python process. */
  async facts(): Promise<PythonFacts> {
    return (await this.#open()).facts;
  }

  /** Ends Python if it is running. The next use starts it again. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.original.close();
  }

  async #open(): Promise<{ readonly original: Original; readonly facts: PythonFacts }> {
    if (this.#opened) return this.#opened;
    const { python, original: folder, lock } = this.#run;
    this.#report({ kind: 'message', text: `Starting the Python original of ${folder}` });
    // Loads TensorFlow: the handshake compares the libraries that both processes have mapped.
    runtime();
    const original = await Original.open({ python, original: folder });
    try {
      this.#opened = { original, facts: await handshake(original, lock) };
      return this.#opened;
    } catch (error) {
      await original.close();
      throw error;
    }
  }
}
