import { it } from 'vitest';
import { expectOneOf } from './contenders.ts';

it('lets exactly one of 60 processes in that start at once, also over the lock of one that was killed', async () => {
  await expectOneOf(60, 40);
}, 300_000);
