import { existsSync } from 'node:fs';
import { measureFormatsApart } from '../doctor/probes.ts';
import { fasterFormat } from '../graph/format_speed.ts';
import type { PrecisionChoice } from '../graph/precision.ts';
import { readRunDescription } from './description.ts';
import type { RunFolder } from './run_folder.ts';
import type { RunSettings } from './settings.ts';

/**
 * The number format of a run. `auto` measures once: a run that goes on keeps its format, also on another machine, so that nothing is repeated.
 *
 * @throws InputError if the formats cannot be measured.
 */
export async function chosenPrecision(
  choice: PrecisionChoice,
  folder: RunFolder,
): Promise<Pick<RunSettings, 'precision' | 'measured'>> {
  if (choice !== 'auto') return { precision: choice };
  const before = existsSync(folder.description) ? readRunDescription(folder).measured : undefined;
  const measured = before ?? (await measureFormatsApart());
  return { precision: fasterFormat(measured), measured };
}
