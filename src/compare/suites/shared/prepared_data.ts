import type { PreparedData } from '../../../bridge/original_data.ts';
import type { DataSet } from '../../../port/finetuning/datasets.ts';
import { exactly, type Row, sameText } from '../../closeness.ts';

/** Compares a prepared data set of the port with the original's: samples and labels bit for bit, names and classes as text. */
export function samePreparedData(name: string, port: DataSet, original: PreparedData): Row[] {
  const suite = 'preprocessing';
  return [
    exactly(suite, `${name}: recordings`, [{ name: 'x', port: port.x, original: original.x }]),
    exactly(suite, `${name}: labels`, [{ name: 'y', port: port.y, original: original.y }]),
    sameText(suite, `${name}: records and classes in order`, namesOf(port), namesOf(original)),
  ];
}

/** Distinguishes numbers from texts: `1` is not `"1"`. */
export function namesOf({ recordIds, classes }: Pick<PreparedData, 'recordIds' | 'classes'>): string {
  return [...recordIds, '', ...classes].map((name) => JSON.stringify(name)).join('\n');
}
