import { UsageError } from '../../errors.ts';

/** Options of sbatch that the engine sets itself, and why the user cannot. */
const own: Readonly<Record<string, string>> = {
  array: 'the engine makes the arrays',
  dependency: 'the engine sets what waits for what',
  'job-name': 'the engine finds its jobs by their names',
  output: 'the engine chooses the logs',
  error: 'the engine chooses the logs',
  chdir: 'the engine chooses the folder',
  wrap: 'the engine writes the scripts',
  parsable: 'the engine reads what sbatch prints',
  'test-only': 'to see the plan, use --list',
  wait: 'use --wait of reproduce',
  'kill-on-invalid-dep': 'the engine sets what waits for what',
  clusters: 'name the cluster in the environment instead: SLURM_CLUSTERS=NAME',
};
const short: Readonly<Record<string, string>> = {
  a: 'array',
  d: 'dependency',
  J: 'job-name',
  o: 'output',
  e: 'error',
  D: 'chdir',
  W: 'wait',
  M: 'clusters',
};

/**
 * The options of sbatch in the value of a flag, as a shell would divide them: blanks separate, quotes and backslashes keep them.
 *
 * @throws UsageError for a quote that does not end, a word that is not an option, and an option that the engine sets itself.
 */
export function sbatchOptions(value: string, flag: string): string[] {
  const words = dividedAsByShell(value, flag);
  if (words.length > 0 && !words[0].startsWith('-')) {
    throw new UsageError(`${flag}: not an option of sbatch`, {
      got: words[0],
      expected: `options as on sbatch's command line: ${flag}="--partition gpu --gres gpu:1"`,
    });
  }
  for (const word of words) {
    const name = /^--([\w-]+)/.exec(word)?.[1] ?? short[/^-(\w)/.exec(word)?.[1] ?? ''];
    const reason = name === undefined ? undefined : own[name];
    if (reason !== undefined) throw new UsageError(`${flag}: ${word} cannot be chosen: ${reason}`);
  }
  return words;
}

function dividedAsByShell(text: string, flag: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (letter === '\\' && quote !== "'" && i + 1 < text.length) word = (word ?? '') + text[++i];
    else if (letter === quote) quote = '';
    else if (quote === '' && (letter === '"' || letter === "'")) {
      quote = letter;
      word ??= '';
    } else if (quote === '' && /\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + letter;
  }
  if (quote !== '') throw new UsageError(`${flag}: the quote ${quote} does not end`, { got: text });
  return word === undefined ? words : [...words, word];
}

/** Seconds of the time limit among options of sbatch (`--time`, `-t`); undefined without one, infinite for none. */
export function timeLimitOf(options: readonly string[]): number | undefined {
  let limit: number | undefined;
  for (const [i, word] of options.entries()) {
    const found = /^(?:--time=|-t=?)(.+)$/.exec(word)?.[1] ?? (/^(--time|-t)$/.test(word) ? options[i + 1] : undefined);
    if (found !== undefined) limit = parseTimeLimit(found);
  }
  return limit;
}

/** Slurm's forms: `M`, `M:S`, `H:M:S`, `D-H`, `D-H:M`, `D-H:M:S`, `UNLIMITED`. */
function parseTimeLimit(text: string): number | undefined {
  if (/^(unlimited|infinite|-1)$/i.test(text)) return Number.POSITIVE_INFINITY;
  const found = /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(text);
  if (!found) return undefined;
  const [days, a, b, c] = found.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  if (days !== undefined) return ((days * 24 + a!) * 60 + (b ?? 0)) * 60 + (c ?? 0);
  if (c !== undefined) return (a! * 60 + b!) * 60 + c;
  return a! * 60 + (b ?? 0);
}
