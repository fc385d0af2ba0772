import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { parseNumber } from '../lib/python/number.ts';
import { print } from '../output.ts';
import { dataSets, type MakeDataOptions, makeData } from '../synthetic/make_data.ts';
import { drawPictures } from '../synthetic/pictures.ts';

const forms = ['zipped', 'unzipped', 'wfdb'] as const;

export const help = `ecg-transplant make-data --target DIR [options]

Makes ECG recordings from a dynamical model (McSharry et al. 2003) in the file formats of the real data sets, so that every step of the
way can be tried without them: sinus rhythm, atrial fibrillation and flutter, brady- and tachycardia, premature beats, noise.

  --target DIR      folder; every data set gets its own in it
  --sets LIST       of icentia, challenge17, challenge20, ptbxl; default all
  --seed N          the same seed gives the same recordings; default 1
  --records N       recordings of each PhysioNet set; default 200
  --seconds S       length of each of them; default as in the data set
  --patients N      Icentia patients; default 20
  --segments N      segments of each; default 4
  --samples N       samples of a segment at 250 Hz; default 65536
  --forms LIST      forms of Icentia, of zipped, unzipped, wfdb; default all
  --force           make data and pictures again that are there
  --pictures DIR    draw one recording of each kind instead (SVG), as in docs/generated-data.md

Generated recordings are for trying and testing; figures obtained with them say nothing about medicine.
`;

/** `ecg-transplant make-data`. */
export async function run(args: readonly string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      target: text,
      sets: text,
      seed: text,
      records: text,
      seconds: text,
      patients: text,
      segments: text,
      samples: text,
      forms: text,
      force: { type: 'boolean' },
      pictures: text,
    },
  });
  if (values.pictures !== undefined) {
    for (const name of drawPictures(values.pictures, { replace: values.force }))
      print(`${join(values.pictures, name)}\n`);
    return 0;
  }
  if (values.target === undefined) throw new UsageError('the folder is missing', { expected: '--target DIR' });
  checkOutputFolder(values.target, { flag: '--target' });
  const options: MakeDataOptions = {
    target: values.target,
    sets: listOf('--sets', values.sets, dataSets),
    forms: listOf('--forms', values.forms, forms),
    seed: numberOf('--seed', values.seed),
    records: numberOf('--records', values.records),
    seconds: numberOf('--seconds', values.seconds),
    patients: numberOf('--patients', values.patients),
    segments: numberOf('--segments', values.segments),
    samples: numberOf('--samples', values.samples),
    force: values.force,
    report: reporterFor(),
  };
  const folders = await makeData(options);
  for (const [set, folder] of Object.entries(folders)) print(`${set}: ${folder}\n`);
  return 0;
}

function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = parseNumber(text);
  if (value === undefined) throw new UsageError(`${option} is a number`, { got: JSON.stringify(text) });
  return value;
}

function listOf<T extends string>(option: string, text: string | undefined, known: readonly T[]): T[] | undefined {
  return text?.split(',').map((part) => {
    const item = known.find((name) => name === part.trim());
    if (item === undefined)
      throw new UsageError(`${option} does not know ${JSON.stringify(part)}`, { expected: known.join(', ') });
    return item;
  });
}
