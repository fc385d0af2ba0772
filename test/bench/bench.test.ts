import { afterAll, describe, expect, it } from 'vitest';
import { type RowResult, runBench } from '../../src/bench/bench.ts';
import { BenchInputs } from '../../src/bench/inputs.ts';
import type { Measurement } from '../../src/bench/measurement.ts';
import type { BenchRow } from '../../src/bench/rows.ts';
import type { ProgressEvent } from '../../src/events.ts';

const silent = (): void => {};
const inputs = new BenchInputs({ quick: true, report: silent });
afterAll(() => inputs.dispose());

function row(log: string[], name: string, port: readonly number[], original?: readonly number[]): BenchRow {
  const side = (label: string, values: readonly number[]) => (): Measurement => {
    const rest = [...values];
    log.push(`open ${label}`);
    return {
      round: async () => {
        log.push(label);
        const value = rest.shift();
        if (value === undefined) throw new Error(`${label} is exhausted`);
        return value;
      },
      close: async () => {
        log.push(`close ${label}`);
      },
    };
  };
  return {
    name,
    title: name,
    unit: 's',
    goal: 1,
    rounds: 2,
    port: side('A', port),
    ...(original && { original: side('B', original) }),
  };
}

describe('runBench', () => {
  it('runs both sides in turn and closes them', async () => {
    const log: string[] = [];
    const [result] = await runBench([row(log, 'turns', [1, 3], [4, 4])], inputs);
    expect(log).toEqual(['open A', 'open B', 'A', 'B', 'A', 'B', 'close A', 'close B']);
    expect(result).toMatchObject({ name: 'turns', port: 2, original: 4, ratio: 0.5, ratioRange: [0.25, 0.75] });
    expect(result).toMatchObject({ met: true, rounds: { port: [1, 3], original: [4, 4] } });
  });

  it('judges a row of the port alone by its figure', async () => {
    const results = await runBench([row([], 'slow', [2, 3]), row([], 'fast', [0.5, 0.7])], inputs);
    expect(results.map(({ met, ratio }) => [met, ratio])).toEqual([
      [false, null],
      [true, null],
    ]);
  });

  it('a ratio above the goal misses it', async () => {
    const [result] = await runBench([row([], 'slower', [5, 5], [4, 4])], inputs);
    expect(result).toMatchObject({ ratio: 1.25, met: false });
  });

  it('reports a row that fails, closes what was open, and goes on', async () => {
    const log: string[] = [];
    const events: ProgressEvent[] = [];
    const seen: RowResult[] = [];
    const results = await runBench([row(log, 'broken', [1, 1], [1]), row([], 'next', [1, 1])], inputs, {
      report: (event) => events.push(event),
      onResult: (result) => seen.push(result),
    });
    expect(log.slice(-2)).toEqual(['close A', 'close B']);
    expect(results[0]).toMatchObject({ name: 'broken', error: 'B is exhausted', met: null, port: null, ratio: null });
    expect(results[1]).toMatchObject({ name: 'next', port: 1, met: true });
    expect(seen).toEqual(results);
    expect(events).toContainEqual({ kind: 'warning', text: 'broken: B is exhausted' });
  });

  it('takes a number of rounds for all rows', async () => {
    const log: string[] = [];
    const [result] = await runBench([row(log, 'one', [1], [2])], inputs, { rounds: 1 });
    expect(result.rounds).toEqual({ port: [1], original: [2] });
  });
});

describe('BenchInputs', () => {
  it('refuses a folder without Challenge 2017', () => {
    expect(() => new BenchInputs({ data: '/no/such/folder', quick: false, report: silent })).toThrow(
      /no\/such\/folder\/cinc2017\/RECORDS: there are no Challenge 2017 records. Pass the folder that contains cinc2017/,
    );
  });

  it('makes data once', async () => {
    const made = new BenchInputs({ quick: true, report: silent });
    try {
      const [first, second] = await Promise.all([made.challenge17(), made.challenge17()]);
      expect(second).toBe(first);
      expect(made.folder()).not.toBe(made.folder());
    } finally {
      made.dispose();
    }
  });
});
