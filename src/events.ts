import { SingleBar } from 'cli-progress';
import { write } from './output.ts';
import { oneLine } from './text.ts';

/** What long work tells about itself. */
export type ProgressEvent =
  /** A task begins; `total` counts `unit`s where it is known. */
  | { readonly kind: 'start'; readonly task: string; readonly total?: number; readonly unit: string }
  /** `done` units of the task are complete; `detail` is shown beside the count (loss, file name, …). */
  | { readonly kind: 'progress'; readonly task: string; readonly done: number; readonly detail?: string }
  /** The task is complete. */
  | { readonly kind: 'end'; readonly task: string; readonly detail?: string }
  /** A line for the reader. */
  | { readonly kind: 'message'; readonly text: string }
  /** Something the reader should know before trusting the result. */
  | { readonly kind: 'warning'; readonly text: string };

/** Receives progress events; the work itself never prints. */
export type Reporter = (event: ProgressEvent) => void;

/** Discards every event. */
export const silent: Reporter = () => {};

/** Milliseconds between two lines of one task where there is no terminal. */
const lineInterval = 10_000;

/** A bar per task on a terminal; plain lines (start, every ten seconds, end) for logs and CI. */
export function reporterFor(stream: NodeJS.WriteStream = process.stderr): Reporter {
  return stream.isTTY && !process.env.CI
    ? plainly(barReporter(stream))
    : lineReporter((line) => write(stream, `${line}\n`));
}

/** Hands events on with texts of one visible line each, whatever names of files and records they hold. */
function plainly(reporter: Reporter): Reporter {
  return (event) => {
    const texts = Object.entries(event).map(([key, value]) => [
      key,
      typeof value === 'string' ? oneLine(value) : value,
    ]);
    reporter(Object.fromEntries(texts) as ProgressEvent);
  };
}

/** Plain lines through `write`. */
export function lineReporter(write: (line: string) => void, now: () => number = Date.now): Reporter {
  const tasks = new Map<string, { total?: number; unit: string; started: number; last: number; done: number }>();
  return plainly((event) => {
    switch (event.kind) {
      case 'message':
        write(event.text);
        break;
      case 'warning':
        write(`warning: ${event.text}`);
        break;
      case 'start':
        tasks.set(event.task, { total: event.total, unit: event.unit, started: now(), last: now(), done: 0 });
        write(event.total === undefined ? event.task : `${event.task} (${event.total} ${event.unit})`);
        break;
      case 'progress': {
        const task = tasks.get(event.task);
        if (!task) break;
        task.done = event.done;
        if (now() - task.last < lineInterval) break;
        task.last = now();
        const count = task.total === undefined ? `${event.done}` : `${event.done}/${task.total}`;
        write(`${event.task}: ${count} ${task.unit}${event.detail ? `, ${event.detail}` : ''}`);
        break;
      }
      case 'end': {
        const task = tasks.get(event.task);
        tasks.delete(event.task);
        const seconds = task ? `${((now() - task.started) / 1000).toFixed(1)} s` : '';
        write(`${event.task}: ${['done', seconds, event.detail].filter(Boolean).join(', ')}`);
        break;
      }
    }
  });
}

function barReporter(stream: NodeJS.WriteStream): Reporter {
  let bar: SingleBar | undefined;
  let task: { name: string; unit: string; total?: number; begun: number; done: number } | undefined;
  const close = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const show = (detail = ''): void => {
    if (!task) return;
    if (!bar) {
      bar = new SingleBar({
        stream,
        format: `{task} {bar} {value}/{total} ${task.unit} | {rate}/s | ETA {eta_formatted} {detail}`,
        barsize: 24,
        hideCursor: true,
        etaBuffer: 20,
        forceRedraw: true,
      });
      bar.start(task.total ?? 0, task.done, { task: task.name, detail, rate: '-' });
    }
    const rate = (task.done / Math.max(0.001, (Date.now() - task.begun) / 1000)).toFixed(1);
    bar.update(task.done, { detail, rate });
  };
  return (event) => {
    switch (event.kind) {
      case 'message':
      case 'warning':
        // The bar is drawn again, below the line, by the next progress.
        close();
        stream.write(`${event.kind === 'warning' ? `warning: ${event.text}` : event.text}\n`);
        break;
      case 'start':
        close();
        task = { name: event.task, unit: event.unit, total: event.total, begun: Date.now(), done: 0 };
        show();
        break;
      case 'progress':
        if (event.task !== task?.name) break;
        task.done = event.done;
        show(event.detail);
        break;
      case 'end':
        if (event.task !== task?.name) break;
        show(event.detail);
        close();
        task = undefined;
        break;
    }
  };
}
