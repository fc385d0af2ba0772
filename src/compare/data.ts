import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Collections of recordings, by the folder that holds each; one file in it tells that it is there. */
export const collections = {
  icentia11k: 'Icentia11k, segments in WFDB form with annotations and the labels derived from them',
  cinc2017: 'PhysioNet/CinC Challenge 2017',
  challenge2020: 'PhysioNet/CinC Challenge 2020, CPSC 2018 among them',
  cpsc2018_native: 'CPSC 2018 as first published',
  ptbxl: 'PTB-XL',
} as const;
export type DataSetName = keyof typeof collections;

/** Recordings that both sides read. */
export interface ComparisonData {
  readonly kind: 'real' | 'generated';
  /** Folder that holds the collections. */
  readonly folder: string;
  /** Collections that are there. */
  readonly names: readonly DataSetName[];
}

/** The collections of a folder of real recordings. */
export function openCollections(folder: string, kind: ComparisonData['kind'] = 'real'): ComparisonData {
  const names = (Object.keys(collections) as DataSetName[]).filter((name) => existsSync(join(folder, name)));
  return { kind, folder, names };
}
