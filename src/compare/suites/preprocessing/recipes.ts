import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CollectionName, Preparation } from '../../../bridge/original_data.ts';
import type { DataSetName } from '../../data.ts';
import type { SuiteContext } from '../../suite.ts';
import { collectionFolder } from '../shared/data_cases.ts';
import { type TakeRecords, takeChallenge17, takeChallenge20, takePtbXl } from '../shared/record_selection.ts';

/** A collection, the original's name for it, and what to do with it. */
export interface Recipe {
  readonly title: string;
  readonly dataSet: DataSetName;
  readonly collection: CollectionName;
  /** Subfolders of the data set; those that exist are read. */
  readonly places: readonly string[];
  readonly select: TakeRecords;
  /** Key of `collectionKinds`, for `prepareData`. */
  readonly format: string;
  /** Its rate, Hz. */
  readonly rate: number;
  readonly further: readonly Preparation[];
}

export const recipes: readonly Recipe[] = [
  {
    title: 'Challenge 2017',
    dataSet: 'cinc2017',
    collection: 'challenge17',
    places: ['.'],
    select: takeChallenge17,
    format: 'challenge17',
    rate: 300,
    further: [],
  },
  {
    title: 'Challenge 2020',
    dataSet: 'challenge2020',
    collection: 'challenge20',
    places: ['cpsc2018', 'labelled'],
    select: takeChallenge20,
    format: 'challenge20',
    rate: 500,
    further: [],
  },
  {
    title: 'PTB-XL',
    dataSet: 'ptbxl',
    collection: 'ptb_xl',
    places: ['.'],
    select: takePtbXl,
    format: 'ptb-xl',
    rate: 500,
    further: [
      { fs: 250, pad: 2500, normalize: true, category: 'form' },
      { fs: 250, pad: 2500, normalize: true, category: 'diagnostic' },
      { fs: 100, pad: 'max', normalize: true, folds: [1, 2, 3, 4, 5, 6] },
    ],
  },
];

/** The recipe in the original's README. */
export const documented = { fs: 250, pad: 16_384, normalize: true } as const;

/** As recorded, at the collection's own rate, resampled up and down by odd factors, padded and cut, normalised or not. */
export function variants({ rate, further }: Recipe): readonly Preparation[] {
  return [
    { pad: 'max', normalize: true },
    { pad: 'max' },
    { fs: rate, pad: 'max', normalize: true },
    { fs: 250, pad: 700 },
    { fs: 97, pad: 'max', normalize: true },
    { fs: 360, pad: 4001, normalize: true },
    ...further,
  ];
}

/** Folders that both sides read, with at most `most` records each. */
export function sourcesOf(context: SuiteContext, { dataSet, places, select }: Recipe, most: number): string[] {
  const folder = collectionFolder(context, dataSet);
  return places
    .map((place) => join(folder, place))
    .filter((place) => existsSync(place))
    .map((place) => select(place, join(context.scratch, basename(place)), most));
}

/** Options in words. */
export function describePreparation(options: Preparation): string {
  const { fs, pad, normalize, category, folds } = options;
  const parts = [
    fs ? `${fs} Hz` : 'as recorded',
    pad === 'max' ? 'padded to the longest' : pad ? `${pad} samples` : 'not padded',
    ...(normalize ? ['normalised'] : []),
    ...(category ? [category] : []),
    ...(folds ? [`folds ${folds.join(' ')}`] : []),
  ];
  return parts.join(', ');
}
