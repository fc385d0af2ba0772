import { RandomState } from '../lib/numpy/random.ts';

/** The order of `count` samples in each epoch, drawn from one generator. Ask for epochs in ascending order. */
export function permutations(seed: number, count: number): (epoch: number) => ArrayLike<number> {
  const draws = new RandomState(seed);
  let order: ArrayLike<number> = [];
  let drawn = 0;
  return (epoch) => {
    for (; drawn <= epoch; drawn++) order = draws.permutation(count);
    return order;
  };
}
