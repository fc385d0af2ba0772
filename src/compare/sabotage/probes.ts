import type { Site } from './rules.ts';

/** A piece of source to watch, and its number. */
export interface Probe extends Site {
  readonly number: number;
}

/**
 * Instruments a source so that it reports which pieces run: it calls `hit(number)`, imported from `module`, before an expression is
 * evaluated or a statement executed. Otherwise it behaves as before, and lines keep their numbers.
 */
export function withProbes(source: string, probes: readonly Probe[], module: string): string {
  const inserts = probes.flatMap(({ kind, start, end, number }) => {
    const [open, close] = kind === 'statement' ? [`{${tell(number)};`, '}'] : [`(${tell(number)},`, ')'];
    const length = end - start;
    // Of two pieces that begin or end together, the longer one encloses the other.
    return [
      { at: start, closes: false, order: -length, text: open },
      { at: end, closes: true, order: length, text: close },
    ];
  });
  inserts.sort((a, b) => a.at - b.at || Number(b.closes) - Number(a.closes) || a.order - b.order);
  let result = `import { hit as $hit, seen as $seen } from ${JSON.stringify(module)};`;
  let done = 0;
  for (const { at, text } of inserts) {
    result += source.slice(done, at) + text;
    done = at;
  }
  return result + source.slice(done);
}

/** Inner loops run probes millions of times, so a probe that was hit already must not cost a call. */
function tell(number: number): string {
  return `$seen[${number}]||$hit(${number})`;
}

/**
 * The module that defines `hit`: the first time that a piece runs, the thread appends its number to the file named by the environment
 * variable `ECG_SABOTAGE_HITS`. `restart` forgets what has run.
 */
export const hitsModule = `import { appendFileSync } from 'node:fs';
export const seen = new Uint8Array(100_000);
export function hit(number) {
  seen[number] = 1;
  if (process.env.ECG_SABOTAGE_HITS) appendFileSync(process.env.ECG_SABOTAGE_HITS, number + '\\n');
}
export function restart() {
  seen.fill(0);
}
`;
