import type { ProgressEvent, Reporter } from '../events.ts';
import type { Callback, Logs } from '../lib/keras/callbacks.ts';
import { appendText } from '../lib/own_files.ts';

/** The file `events.jsonl` of a job: one JSON object with `time` and `event` per line. A resumed job appends to it. */
export class EventLog implements Callback {
  readonly #file: string;
  readonly #report: Reporter;

  constructor(file: string, report: Reporter) {
    this.#file = file;
    this.#report = report;
  }

  /** Passes events on, and writes all but the progress within a task. */
  readonly report: Reporter = (event: ProgressEvent) => {
    this.#report(event);
    if (event.kind === 'progress') return;
    const { kind, ...rest } = event;
    this.write(kind, rest);
  };

  /** Appends a line. NaN and infinities become null. */
  write(event: string, values: Readonly<Record<string, unknown>>): void {
    appendText(this.#file, `${JSON.stringify({ time: new Date().toISOString(), event, ...values })}\n`);
  }

  /** Writes the figures of an epoch, and warns of NaN. */
  async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    this.write('epoch', { epoch, ...logs });
    const lost = Object.keys(logs).filter((name) => Number.isNaN(logs[name]));
    if (lost.length === 0) return;
    const text = `epoch ${epoch + 1}: ${lost.join(', ')} is not a number: look for missing samples (NaN) in the data`;
    this.report({ kind: 'warning', text });
  }
}
