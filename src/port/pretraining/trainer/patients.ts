import { statSync } from 'node:fs';
import { ValueError } from '../../../lib/python/errors.ts';
import { readWholeFile } from '../../../lib/python/whole_file.ts';
import { dsPatientIds } from '../../transplant/datasets/icentia11k.ts';

/**
 * The sorted, distinct patient ids of a list such as `0-19,25`, or of a file with such a list. In a file, line ends and blanks separate ids as
 * commas do. Ranges include both ends. Twin of `pretraining.trainer.parse_patient_ids`.
 *
 * @throws ValueError if the text is neither, or names a patient that Icentia11k does not have.
 */
export function parsePatientIds(text: string): number[] {
  let content = text;
  let source = 'in --patients';
  if (!/^[0-9,\s-]*$/.test(text)) {
    if (!statSync(text, { throwIfNoEntry: false })?.isFile()) {
      throw new ValueError(`--patients '${text}' is neither a list of ids nor a file: write e.g. 0-19,25`);
    }
    content = Buffer.from(readWholeFile(text, { maxBytes: 2 ** 20 })).toString('utf8');
    source = `in ${text}`;
  }
  const highest = dsPatientIds.at(-1)!;
  const ids = new Set<number>();
  for (const part of content.split(/[\s,]+/).filter(Boolean)) {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part);
    if (match === null) {
      throw new ValueError(`'${part}' ${source} is neither a patient id nor a range of ids: write e.g. 0-19,25`);
    }
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (!(first <= last && last <= highest)) {
      throw new ValueError(`'${part}' ${source}: expected rising ids of 0 to ${highest}`);
    }
    for (let id = first; id <= last; id++) ids.add(id);
  }
  if (ids.size === 0) throw new ValueError(`no patient ids ${source}: write e.g. 0-19,25`);
  return [...ids].sort((a, b) => a - b);
}
