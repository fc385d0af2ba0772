import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { bothSides } from '../../src/compare/both_sides.ts';

describe('bothSides', () => {
  it('asks the original before the port holds the thread, and gives both answers', async () => {
    const events: string[] = [];
    const original = async (): Promise<string> => {
      await Promise.resolve();
      events.push('asked');
      await setTimeout(5);
      events.push('answered');
      return 'theirs';
    };
    const port = (): string => {
      events.push('port');
      return 'ours';
    };
    expect(await bothSides(original, port)).toEqual(['ours', 'theirs']);
    expect(events).toEqual(['asked', 'port', 'answered']);
  });

  it('waits for the original before it throws what the port threw', async () => {
    let ended = false;
    const original = async (): Promise<void> => {
      await setTimeout(20);
      ended = true;
    };
    const port = (): never => {
      throw new Error('the port failed');
    };
    await expect(bothSides(original, port)).rejects.toThrow('the port failed');
    expect(ended).toBe(true);
  });

  it('throws what the original threw, after the port has ended', async () => {
    let ended = false;
    const port = async (): Promise<void> => {
      await setTimeout(20);
      ended = true;
    };
    await expect(bothSides(() => Promise.reject(new Error('Python failed')), port)).rejects.toThrow('Python failed');
    expect(ended).toBe(true);
  });
});
