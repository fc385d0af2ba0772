import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { RandomState } from '../lib/numpy/random.ts';
import { checkOutputFile, checkOutputFolder } from '../lib/outputs.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { type DiagnosisName, makeShort } from './diagnoses.ts';
import { type Lead, twelveLeads } from './heart.ts';
import { drawRecording } from './picture.ts';

/** A picture of the documentation: what it shows, in which lead, and a seed with which it is easy to see. */
const strips: readonly (readonly [name: DiagnosisName, title: string, lead: Lead, seed: number])[] = [
  ['normal', 'sinus rhythm, lead II', 'II', 1],
  ['fibrillation', 'atrial fibrillation, lead V1', 'V1', 2],
  ['flutter', 'atrial flutter, lead II', 'II', 3],
  ['bradycardia', 'sinus bradycardia, lead II', 'II', 4],
  ['tachycardia', 'sinus tachycardia, lead II', 'II', 5],
  ['prematureAtrial', 'premature atrial beats, lead II', 'II', 6],
  ['prematureVentricular', 'premature ventricular beats, lead II', 'II', 7],
  ['noise', 'noise, lead I', 'I', 8],
];

const twelveLeadsFile = 'twelve-leads.svg';

function fileName(name: DiagnosisName): string {
  return `${name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)}.svg`;
}

/**
 * Draws a strip of every diagnosis and a recording with twelve leads. Returns the names of the files.
 *
 * @throws InputError if a file exists already, unless `replace` is set.
 */
export function drawPictures(folder: string, { replace = false } = {}): string[] {
  checkOutputFolder(folder, { flag: '--pictures' });
  mkdirSync(folder, { recursive: true });
  const names = [...strips.map(([name]) => fileName(name)), twelveLeadsFile];
  for (const name of names) checkOutputFile(join(folder, name), { replace });
  const write = (name: string, picture: string): string => {
    writeFileAtomic(join(folder, name), picture);
    return name;
  };
  const drawn = strips.map(([name, title, lead, seed]) => {
    const recording = makeShort(name, 250, 8, [lead], new RandomState(seed));
    return write(fileName(name), drawRecording(recording, { title }));
  });
  const twelve = makeShort('normal', 250, 10, twelveLeads, new RandomState(9));
  return [...drawn, write(twelveLeadsFile, drawRecording(twelve, { title: 'sinus rhythm, twelve leads', columns: 4 }))];
}
