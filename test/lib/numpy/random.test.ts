import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { RandomState, random } from '../../../src/lib/numpy/random.ts';
import { ValueError } from '../../../src/lib/python/errors.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';

interface Draws {
  seed: number | number[];
  [call: string]: unknown;
}

let reference: {
  cases: Draws[];
  streams: Record<string, string>;
  state: { key: number[]; position: number; next: number[] };
};

beforeAll(async () => {
  reference = JSON.parse(await runPython([join(root, 'test/fixtures/numpy/random_draws.py')]));
});

function draws(seed: number | number[]): Draws {
  const state = new RandomState(seed);
  const shuffled = Array.from({ length: 20 }, (_, i) => i);
  state.shuffle(shuffled);
  return {
    seed,
    random_sample: [...state.randomSample(5)],
    randint: [1, 2, 3, 1000, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 40, 2 ** 52].map((n) => state.randint(n)),
    randint_range: state.randint(-50, 50, 10),
    shuffle: shuffled,
    permutation: state.permutation(15),
    choice: state.choice(10, { size: 6 }),
    choice_p: state.choice(4, { size: 8, p: [0.1, 0.2, 0.3, 0.4] }),
    choice_p32: state.choice(3, { size: 8, p: Float32Array.of(0.1, 0.2, 0.7) }),
    choice_once: state.choice(
      Array.from({ length: 20 }, (_, i) => 100 + i),
      { size: 7, replace: false },
    ),
    choice_once_p: state.choice(6, { size: 4, replace: false, p: [0.5, 0.1, 0.1, 0.1, 0.1, 0.1] }),
    choice_scalar: state.choice(9),
    after: state.randomSample(),
  };
}

function digest(values: NodeJS.ArrayBufferView): string {
  return createHash('sha256').update(values).digest('hex');
}

describe('numpy.random.RandomState', () => {
  it('gives the draws of NumPy in every method, for integer and array seeds', () => {
    expect(reference.cases.map(({ seed }) => draws(seed))).toEqual(reference.cases);
  });

  it('gives the same 2.5 million draws and the same state after them', () => {
    const state = new RandomState(2024);
    const streams = {
      random_sample: digest(state.randomSample(1_000_000)),
      randint: digest(Int32Array.from(state.randint(0, 4488, 1_000_000))),
      permutation: digest(Int32Array.from(state.permutation(300_000))),
      choice: digest(Int32Array.from(state.choice(5, { size: 200_000, p: [0.1, 0.2, 0.3, 0.2, 0.2] }))),
    };
    expect(streams).toEqual(reference.streams);
    const { key, position } = state.getState();
    expect({ key: [...key], position }).toEqual({ key: reference.state.key, position: reference.state.position });
  });

  it('set_state continues where Python stopped', () => {
    const { key, position, next } = reference.state;
    const state = new RandomState();
    state.setState({ algorithm: 'MT19937', key: Uint32Array.from(key), position, hasGauss: 0, cachedGaussian: 0 });
    expect([...state.randomSample(3)]).toEqual(next);
  });

  it('gives the check values of the specification from the global state', () => {
    random.seed(42);
    expect(random.randint(0, 3, 8)).toEqual([2, 0, 2, 2, 0, 0, 2, 1]);
    expect(random.randint(0, 4488, 4)).toEqual([466, 4426, 3444, 3171]);
    expect(random.randomSample()).toBe(0.14286681792194078);
    random.seed(7);
    expect([2049, 2049, 2049].map((n) => random.randint(n))).toEqual([175, 1220, 537]);
    expect(random.randomSample()).toBe(0.31897222577340323);
    expect(random.permutation(8)).toEqual([7, 6, 2, 5, 0, 1, 4, 3]);
  });

  it('saves a copy of the state, and generators are independent', () => {
    const state = new RandomState(5);
    const saved = state.getState();
    const first = state.randint(0, 100, 700);
    new RandomState(6).randomSample(1000);
    state.setState(saved);
    expect(state.randint(0, 100, 700)).toEqual(first);
  });

  it('unseeded states differ', () => {
    expect(new RandomState().randomSample()).not.toBe(new RandomState().randomSample());
  });

  it('a range of one value and a single item draw nothing', () => {
    const [a, b] = [new RandomState(1), new RandomState(1)];
    expect(a.randint(1)).toBe(0);
    expect(a.permutation(1)).toEqual([0]);
    expect(a.randomSample()).toBe(b.randomSample());
  });

  it.each<[string, (state: RandomState) => unknown, RegExp]>([
    ['seed(-1)', (state) => state.seed(-1), /between 0 and 2\*\*32 - 1; got -1/],
    ['seed(2**32)', (state) => state.seed(2 ** 32), /Seed must be/],
    ['seed(0.5)', (state) => state.seed(0.5), /Seed must be/],
    ['seed([])', (state) => state.seed([]), /non-empty/],
    ['seed([-1])', (state) => state.seed([-1]), /Seed must be/],
    ['randint(0)', (state) => state.randint(0), /high <= 0/],
    ['randint(3, 3)', (state) => state.randint(3, 3), /low >= high/],
    ['randint(NaN)', (state) => state.randint(Number.NaN), /got 0 and NaN/],
    ['choice(0)', (state) => state.choice(0), /greater than 0/],
    ['choice([])', (state) => state.choice([]), /cannot be empty/],
    ['choice: too many', (state) => state.choice(3, { size: 4, replace: false }), /larger sample than population/],
    ['choice: sizes', (state) => state.choice(3, { p: [0.5, 0.5] }), /same size/],
    ['choice: sum', (state) => state.choice(2, { p: [0.5, 0.4] }), /do not sum to 1/],
    ['choice: negative', (state) => state.choice(2, { p: [1.5, -0.5] }), /non-negative/],
    ['choice: NaN', (state) => state.choice(2, { p: [Number.NaN, 1] }), /NaN/],
    ['choice: zeros', (state) => state.choice(3, { size: 2, replace: false, p: [1, 0, 0] }), /Fewer non-zero/],
    ['permutation(-1)', (state) => state.permutation(-1), /size/],
    [
      'set_state: short key',
      (state) => state.setState({ ...state.getState(), key: new Uint32Array(3) }),
      /624 words; got 3/,
    ],
    ['set_state: position', (state) => state.setState({ ...state.getState(), position: 625 }), /got 625/],
  ])('%s is a ValueError', (_, call, message) => {
    const state = new RandomState(1);
    expect(() => call(state)).toThrow(message);
    expect(() => call(state)).toThrow(ValueError);
  });
});
