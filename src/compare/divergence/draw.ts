import type { Original } from '../../bridge/original.ts';
import type { NotedDraw } from '../../bridge/original_sampling.ts';
import { callerWithin } from '../../lib/caller.ts';
import { RandomState } from '../../lib/numpy/random.ts';
import type { FirstDifference } from '../closeness.ts';
import { portFolders, shownPlace } from './first.ts';

const methods = ['randomSample', 'randint', 'shuffle', 'permutation', 'choice'] as const;

/**
 * Runs a case again while recording every random draw of both sides. Returns the first draw whose numbers differ, with the code that made
 * it. Undefined if all draws are equal, or if one side draws in another process or thread.
 */
export async function firstDraw(
  original: Original,
  again: () => Promise<unknown>,
): Promise<FirstDifference | undefined> {
  await original.sampling.noteDraws();
  const port = noteDraws();
  let theirs: readonly NotedDraw[];
  try {
    // A case that breaks off has still made its draws up to that point.
    await again().catch(() => undefined);
  } finally {
    port.stop();
    theirs = await original.sampling.notedDraws();
  }
  return differenceOf(port.draws, theirs);
}

/** The first draw that differs, if both sides have drawn. */
export function differenceOf(ours: readonly NotedDraw[], theirs: readonly NotedDraw[]): FirstDifference | undefined {
  if (ours.length === 0 || theirs.length === 0) return undefined;
  const count = Math.max(ours.length, theirs.length);
  const place = Array.from({ length: count }, (_, i) => i).find((i) => !sameNumbers(ours[i], theirs[i]));
  if (place === undefined) return undefined;
  const [port, original] = [ours[place], theirs[place]];
  const agreeing = ours.slice(0, place).map(({ method, place: at }, i) => `draw ${i + 1}: ${method} at ${at}`);
  const index = port && original ? port.values.findIndex((value, i) => value !== original.values[i]) : -1;
  return {
    what: `random draw ${place + 1} of ${count}`,
    agreeing,
    ...(port &&
      original && {
        worst: {
          array: `draw ${place + 1}`,
          index: [Math.max(0, index)],
          port: shown(port, index),
          original: shown(original, index),
        },
      }),
    port: port ? `${port.place} (${port.method})` : 'no draw',
    original: original ? `${original.place} (${original.method})` : 'no draw',
  };
}

function shown({ values }: NotedDraw, index: number): string {
  return String(values[Math.max(0, index)] ?? 'nothing');
}

function sameNumbers(a: NotedDraw | undefined, b: NotedDraw | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    a.values.length === b.values.length &&
    a.values.every((value, i) => value === b.values[i])
  );
}

/** Records what the port draws, with any generator, until it is stopped. */
function noteDraws(): { readonly draws: NotedDraw[]; stop(): void } {
  const draws: NotedDraw[] = [];
  const prototype = RandomState.prototype;
  const kept = methods.map((name) => [name, prototype[name]] as const);
  let depth = 0;
  for (const [name, draw] of kept) {
    const noted = function (this: RandomState, ...args: unknown[]): unknown {
      depth++;
      try {
        const result: unknown = Reflect.apply(draw, this, args);
        // One draw may call another. The outermost counts.
        const place = depth === 1 ? shownPlace(callerWithin(...portFolders)) : '';
        if (place) draws.push({ method: name, values: numbersOf(name === 'shuffle' ? args[0] : result), place });
        return result;
      } finally {
        depth--;
      }
    };
    Reflect.set(prototype, name, noted);
  }
  return {
    draws,
    stop: () => {
      for (const [name, draw] of kept) Reflect.set(prototype, name, draw);
    },
  };
}

function numbersOf(result: unknown): number[] {
  const items = typeof result === 'object' && result !== null ? Array.from(result as ArrayLike<unknown>) : [result];
  return items.every((item) => typeof item === 'number' || typeof item === 'bigint') ? items.map(Number) : [];
}
