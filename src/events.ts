import { columnsOf, hideStatus, showStatus, widthOf, write } from './output.ts';
import { oneLine } from './text.ts';

/** Progress of long work. */
export type ProgressEvent =
  /** A task begins. `total` is the number of `unit`s, if known. */
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

/** Milliseconds between two lines of one task, without a terminal. */
const lineInterval = 10_000;

/** A bar per task on a terminal; plain lines (start, every ten seconds, end) for logs and CI. */
export function reporterFor(stream: NodeJS.WriteStream = process.stderr): Reporter {
  return stream.isTTY && !process.env.CI
    ? plainly(barReporter(stream))
    : lineReporter((line) => write(stream, `${line}\n`));
}

/** Passes events on with every text made safe to show on one line. */
function plainly(report: Reporter): Reporter {
  return (event) => {
    const texts = Object.entries(event).map(([key, value]) => [
      key,
      typeof value === 'string' ? oneLine(value) : value,
    ]);
    report(Object.fromEntries(texts) as ProgressEvent);
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
        write(event.total === undefined ? event.task : `${event.task} (${counted(event.total, event.unit)})`);
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

/** A running task. */
interface Task {
  readonly name: string;
  readonly unit: string;
  readonly total?: number;
  readonly begun: number;
  done: number;
  detail?: string;
}

/** Milliseconds between two updates of the bar. */
const frameInterval = 100;

function barReporter(stream: NodeJS.WriteStream): Reporter {
  let task: Task | undefined;
  let drawn = 0;
  const say = (text: string): void => write(stream, `${text}\n`);
  const show = ({ ...shown }: Task): void => {
    drawn = Date.now();
    showStatus(stream, (columns) => statusLine(shown, columns));
  };
  return (event) => {
    switch (event.kind) {
      case 'message':
        say(event.text);
        break;
      case 'warning':
        say(`warning: ${event.text}`);
        break;
      case 'start':
        task = { name: event.task, unit: event.unit, total: event.total, begun: Date.now(), done: 0 };
        show(task);
        break;
      case 'progress':
        if (event.task !== task?.name) break;
        Object.assign(task, { done: event.done, detail: event.detail });
        if (Date.now() - drawn >= frameInterval) show(task);
        break;
      case 'end': {
        if (event.task !== task?.name) break;
        const seconds = `${((Date.now() - task.begun) / 1000).toFixed(1)} s`;
        hideStatus();
        say(
          wrapFigures(
            `${event.task}: ${['done', seconds, event.detail].filter(Boolean).join(', ')}`,
            columnsOf(stream),
          ),
        );
        task = undefined;
        break;
      }
    }
  };
}

/** `1 record`, `2 records`. */
function counted(count: number, units: string): string {
  return `${count} ${count === 1 ? units.replace(/s$/, '') : units}`;
}

/**
 * The status line of a task, shortened to the number of columns: first the bar and the speed are dropped, last the detail (figures), of which the end
 * is kept.
 */
export function statusLine({ name, unit, total, begun, done, detail = '' }: Task, columns: number): string {
  const seconds = Math.max(0.001, (Date.now() - begun) / 1000);
  const count = total === undefined ? `${done}` : `${done}/${total}`;
  const speed = `${(done / seconds).toFixed(1)}/s`;
  const left = total !== undefined && done > 0 ? `${timeText((seconds * Math.max(0, total - done)) / done)} left` : '';
  const join = (...parts: readonly string[]): string => parts.filter(Boolean).join(' ');
  const bar = (width: number): string => {
    if (!total) return '';
    const full = Math.round(width * Math.min(1, done / total));
    return '█'.repeat(full) + '░'.repeat(width - full);
  };
  const lines = [
    join(name, bar(24), count, unit, speed, left, detail),
    join(name, bar(12), count, unit, speed, left, detail),
    join(name, count, unit, speed, left, detail),
    join(name, count, left, detail),
    join(name, count, detail),
    join(count, detail),
    detail || name,
  ];
  return lines.find((line) => widthOf(line) <= columns) ?? `…${lines.at(-1)!.slice(1 - columns)}`;
}

function timeText(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Wraps a text to the number of columns. Breaks lines only before names, so that a figure stays beside its name. */
function wrapFigures(text: string, columns: number): string {
  const lines: string[] = [];
  for (const part of text.split(/ (?=[^\d\s])/)) {
    const longer = lines.length === 0 ? part : `${lines.at(-1)} ${part}`;
    if (lines.length > 0 && widthOf(longer) <= columns) lines[lines.length - 1] = longer;
    else lines.push(lines.length === 0 ? part : `  ${part}`);
  }
  return lines.join('\n');
}
