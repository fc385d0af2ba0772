import { plain, scientific } from '../../page/plain.ts';
import { shellCommand } from '../../text.ts';
import type { Row, Worst } from '../closeness.ts';
import { ownCasePrefix } from '../suite.ts';
import type { Comparison } from './model.ts';
import { shareOf } from './verdict.ts';

/** The worst difference of a row: bits that differ, or the relative distance. */
export function formatDifference(row: Row): string {
  if (!Number.isFinite(row.difference)) return 'not comparable';
  if (row.kind === 'close') return scientific(row.difference);
  return row.difference === 0 ? '0' : `${row.difference.toLocaleString('en')} differ`;
}

/** What the difference may be. */
export function formatLimit(row: Row): string {
  return row.kind === 'exact' ? '0' : scientific(row.limit);
}

/** Share of its limit that a close row uses, in percent; empty for an exact row. */
export function formatShare(row: Row): string {
  if (row.kind === 'exact') return '';
  const percent = 100 * shareOf(row);
  if (!Number.isFinite(percent)) return '–';
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  return `${percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/**
 * Where the sides of a row diverge and where they differ most: array, index, both values, distance. Or the reason why nothing could be
 * compared.
 */
export function formatWorst(row: Row): string {
  const place = row.worst && row.difference > 0 ? describe(row.worst) : '';
  return [formatFirst(row), place, row.note ? plain(row.note) : ''].filter(Boolean).join('; ');
}

/** Where the sides of a row diverge, in one sentence; empty if unknown. */
function formatFirst({ first }: Row): string {
  if (first === undefined) return '';
  const { what, agreeing, worst, port, original } = first;
  const before =
    agreeing.length === 0 ? 'nothing before it' : `the ${agreeing.length} before it agree, up to ${agreeing.at(-1)}`;
  const places = [port ? `port ${port}` : '', original ? `original ${original}` : ''].filter(Boolean);
  return [`first differs: ${plain(what)} (${plain(before)})`, worst ? describe(worst) : '', plain(places.join(', '))]
    .filter(Boolean)
    .join('; ');
}

function describe({ array, index, port, original, ulps }: Worst): string {
  const distance = ulps === undefined ? '' : `, ${ulps.toLocaleString('en')} ulp`;
  return `${plain(array)}[${index.join(', ')}]: ${plain(port)} in the port, ${plain(original)} in the original${distance}`;
}

/** `0.4 s`, `12 s`, `3 min 20 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${seconds.toFixed(0)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** The command that repeats one case. For a case on the run's own files: the command that compares all of them again. */
export function commandOf(
  { command, settings }: Pick<Comparison, 'command' | 'settings'>,
  suite: string,
  name: string,
): string {
  if (name.startsWith(ownCasePrefix)) return `${command} --only comparison --force`;
  return shellCommand(['npm', 'run', 'compare', '--', ...settings, '--suite', suite, '--case', name]);
}
