import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { lineReporter, type Reporter, reporterFor } from '../src/events.ts';
import { hideStatus, write } from '../src/output.ts';

/** A terminal that keeps what its screen shows: wraps at its width, and wraps anew when that changes, as tmux does. */
class Terminal extends EventEmitter {
  readonly isTTY = true;
  columns: number;
  /** Lines as they were written, before wrapping; the cursor is at the end of the last one, or at `column` of it. */
  #lines = [''];
  #column = 0;

  constructor(columns: number) {
    super();
    this.columns = columns;
  }

  write(text: string): boolean {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
    for (const token of text.match(/\u001b\[\d*[A-Z]|[\s\S]/gu) ?? []) this.#take(token);
    return true;
  }

  #take(token: string): void {
    const last = this.#lines.length - 1;
    if (token === '\n') {
      this.#lines.push('');
      this.#column = 0;
    } else if (token === '\r') {
      this.#column -= this.#column % this.columns;
    } else if (token.endsWith('A')) {
      this.#column -= Number(token.slice(2, -1)) * this.columns;
      expect(this.#column, 'a line above is not touched').toBeGreaterThanOrEqual(0);
    } else if (token.endsWith('J')) {
      this.#lines[last] = this.#lines[last].slice(0, this.#column);
    } else {
      expect(token, 'no other control sequence').not.toContain('\u001b');
      this.#lines[last] = this.#lines[last].slice(0, this.#column) + token;
      this.#column++;
    }
  }

  /** Rows of the screen. */
  get rows(): string[] {
    return this.#lines.flatMap((line) => line.match(new RegExp(`.{1,${this.columns}}`, 'gu')) ?? ['']);
  }
}

const figures = 'loss 1.2345 acc 0.5000 val_loss 2.3456 val_acc 0.2500';

function terminal(columns: number): { screen: Terminal; report: Reporter } {
  vi.stubEnv('CI', '');
  const screen = new Terminal(columns);
  return { screen, report: reporterFor(screen as unknown as NodeJS.WriteStream) };
}

/** An epoch of four steps, each drawn. */
function train(report: Reporter, steps = 4): void {
  report({ kind: 'start', task: 'Epoch 1/3', total: 4, unit: 'steps' });
  for (let done = 1; done <= steps; done++) {
    vi.advanceTimersByTime(2000);
    report({ kind: 'progress', task: 'Epoch 1/3', done, detail: 'loss 1.2345 acc 0.5000' });
  }
}

afterEach(() => {
  hideStatus();
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('the line of a task on a terminal', () => {
  test.for([
    [120, 'Epoch 1/3 ██████░░░░░░ 2/4 steps 0.5/s 4 s left loss 1.2345 acc 0.5000'],
    [80, 'Epoch 1/3 ██████░░░░░░ 2/4 steps 0.5/s 4 s left loss 1.2345 acc 0.5000'],
    [60, 'Epoch 1/3 2/4 steps 0.5/s 4 s left loss 1.2345 acc 0.5000'],
    [40, 'Epoch 1/3 2/4 loss 1.2345 acc 0.5000'],
    [30, '2/4 loss 1.2345 acc 0.5000'],
    [20, '….2345 acc 0.5000'],
  ] as const)('%i columns: one row that loses the bar first and the figures last', ([columns, line]) => {
    vi.useFakeTimers();
    const { screen, report } = terminal(columns);
    train(report, 2);
    const wide = columns === 120 ? line.replace('██████░░░░░░', '████████████░░░░░░░░░░░░') : line;
    expect(screen.rows).toHaveLength(1);
    expect(screen.rows[0].slice(-16)).toBe(wide.slice(-16));
    if (columns > 20) expect(screen.rows).toEqual([wide]);
  });

  test.for([40, 60, 80, 120])(
    '%i columns: the figures of validation are never cut, nor parted from their names',
    (columns) => {
      vi.useFakeTimers();
      const { screen, report } = terminal(columns);
      train(report);
      report({ kind: 'end', task: 'Epoch 1/3', detail: figures });
      const text = screen.rows.join('\n');
      for (const figure of figures.match(/[a-z_]+ \S+/g)!) expect(text).toContain(figure);
      expect(text).toContain('Epoch 1/3: done, 8.0 s, loss');
      expect(screen.rows.filter((row) => row.includes('█'))).toEqual([]);
    },
  );

  test('messages, warnings and other output appear above it', () => {
    vi.useFakeTimers();
    const { screen, report } = terminal(80);
    train(report, 1);
    const bar = screen.rows[0];
    report({ kind: 'message', text: 'a message' });
    report({ kind: 'warning', text: 'take care' });
    write(screen as unknown as NodeJS.WriteStream, 'SIGINT: finishing the step and saving\n');
    expect(screen.rows).toEqual(['a message', 'warning: take care', 'SIGINT: finishing the step and saving', bar]);
    report({ kind: 'end', task: 'Epoch 1/3' });
    expect(screen.rows.slice(0, 4)).toEqual([...screen.rows.slice(0, 3), 'Epoch 1/3: done, 2.0 s']);
  });

  test('a terminal that becomes narrower or wider keeps one bar and the lines above it', () => {
    vi.useFakeTimers();
    const { screen, report } = terminal(120);
    report({ kind: 'message', text: 'above' });
    train(report, 1);
    for (const columns of [40, 80, 24, 120]) {
      screen.columns = columns;
      vi.advanceTimersByTime(2000);
      report({ kind: 'progress', task: 'Epoch 1/3', done: 2, detail: 'loss 1.0000 acc 1.0000' });
      expect(screen.rows[0]).toBe('above');
      expect(screen.rows).toHaveLength(2);
      expect(screen.rows[1].length).toBeLessThan(columns);
    }
  });

  test('names with multi-byte and wide characters fit too', () => {
    vi.useFakeTimers();
    const { screen, report } = terminal(40);
    report({ kind: 'start', task: '心电图'.repeat(6), total: 4, unit: 'records' });
    expect(screen.rows).toEqual(['0/4']);
  });
});

test('without a terminal, plain lines are written', () => {
  const lines: string[] = [];
  let now = 0;
  const report = lineReporter(
    (line) => lines.push(line),
    () => now,
  );
  report({ kind: 'start', task: 'Epoch 1/3', total: 4, unit: 'steps' });
  for (let done = 1; done <= 4; done++) {
    now += 6000;
    report({ kind: 'progress', task: 'Epoch 1/3', done, detail: 'loss 1.2345' });
  }
  report({ kind: 'end', task: 'Epoch 1/3', detail: figures });
  expect(lines).toEqual([
    'Epoch 1/3 (4 steps)',
    'Epoch 1/3: 2/4 steps, loss 1.2345',
    'Epoch 1/3: 4/4 steps, loss 1.2345',
    `Epoch 1/3: done, 24.0 s, ${figures}`,
  ]);
});
