import { describe, expect, it } from 'vitest';
import { RemainingTime } from '../../src/reproduce/remaining_time.ts';

describe('RemainingTime', () => {
  it('believes the expected times until ten seconds of them have passed', () => {
    const time = new RemainingTime();
    time.finished({ seconds: 1 }, 100);
    expect(time.of([{ seconds: 5 }, { seconds: 7 }])).toBe(12);
  });

  it('takes the speed of this machine from what is done', () => {
    const time = new RemainingTime();
    time.finished({ seconds: 10 }, 25);
    time.finished({ seconds: 10 }, 15);
    expect(time.of([{ seconds: 6 }])).toBe(12);
    expect(time.of([])).toBe(0);
  });
});
