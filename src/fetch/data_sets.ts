/** A kind of file that belongs to a data set, and where it is written. */
export interface FileRule {
  /** Matches the path in the publication's `SHA256SUMS.txt`; a group `patient` holds the patient's number. */
  readonly path: RegExp;
  /** Path below the data set's folder, as `String.replace` reads it. */
  readonly target: string;
  /** About how many bytes such a file has. The publication does not list sizes. */
  readonly bytes: number;
  /** The set is complete without it. */
  readonly optional?: true;
}

/** A published data set: its address, its licence, and which of its files are downloaded. */
export interface DataSet {
  readonly name: string;
  readonly title: string;
  readonly neededFor: string;
  readonly licence: { readonly name: string; readonly address: string; readonly note?: string };
  /** Folder of the publication below `publisher`; it contains `SHA256SUMS.txt`. */
  readonly address: string;
  /** Page for people. */
  readonly page: string;
  /** Folder below `--target`, as the commands and the tests expect it. */
  readonly folder: string;
  readonly files: readonly FileRule[];
  /** About how many files, and bytes of `SHA256SUMS.txt`. */
  readonly about: { readonly files: number; readonly listBytes: number };
  /** What must be done when all files are here. */
  readonly afterwards?: 'challenge-2017';
}

/** Where all data sets are published. */
export const publisher = 'https://physionet.org/files/';

const attribution = { name: 'CC BY 4.0', address: 'https://creativecommons.org/licenses/by/4.0/' };
const openData = { name: 'ODC-BY 1.0', address: 'https://opendatacommons.org/licenses/by/1-0/' };

/** The publication's own text, where it has one. */
const licenceText: FileRule = { path: /^LICENSE\.txt$/, target: '$&', bytes: 20_000, optional: true };

/**
 * The four data sets of the paper and of its reproduction. Each publication's own `SHA256SUMS.txt`, which is downloaded first, gives the checksums. A version of a
 * PhysioNet publication does not change.
 */
export const dataSets: readonly DataSet[] = Object.freeze([
  {
    name: 'icentia11k',
    title: 'Icentia11k, single-lead continuous ECGs of 11,000 patients (WFDB edition 1.0)',
    neededFor: 'pretraining, after convert-icentia',
    licence: {
      name: 'CC BY-NC-SA 4.0',
      address: 'https://creativecommons.org/licenses/by-nc-sa/4.0/',
      note: 'not for commercial use, and neither are weights trained on it unless its authors say otherwise',
    },
    address: 'icentia11k-continuous-ecg/1.0/',
    page: 'https://physionet.org/content/icentia11k-continuous-ecg/1.0/',
    folder: 'icentia11k',
    files: [
      licenceText,
      // A segment has 1,048,577 samples of 16 bits, the last one of a patient often fewer.
      { path: /^p\d\d\/p(?<patient>\d{5})\/p\k<patient>_s\d\d\.dat$/, target: '$&', bytes: 2_097_154 },
      { path: /^p\d\d\/p(?<patient>\d{5})\/p\k<patient>_s\d\d\.atr$/, target: '$&', bytes: 45_000 },
      { path: /^p\d\d\/p(?<patient>\d{5})\/p\k<patient>_s\d\d\.hea$/, target: '$&', bytes: 100 },
    ],
    about: { files: 1_600_000, listBytes: 150_000_000 },
  },
  {
    name: 'cinc2017',
    title: 'PhysioNet/CinC Challenge 2017, training set: 8,528 single-lead ECGs of 9 to 61 s',
    neededFor: 'finetuning, 4 classes, 300 Hz',
    licence: openData,
    address: 'challenge-2017/1.0.0/',
    page: 'https://physionet.org/content/challenge-2017/1.0.0/',
    folder: 'cinc2017',
    files: [
      licenceText,
      { path: /^training2017\.zip$/, target: '$&', bytes: 95_000_000 },
      // If it is published beside the archive: the version that the reproduction used.
      { path: /^REFERENCE-v2\.csv$/, target: '$&', bytes: 80_000, optional: true },
    ],
    about: { files: 2, listBytes: 2_000_000 },
    afterwards: 'challenge-2017',
  },
  {
    name: 'cpsc2018',
    title: 'CPSC 2018 as a part of Challenge 2020: 6,877 twelve-lead ECGs of 6 to 144 s',
    neededFor: 'finetuning, 12 leads, 500 Hz',
    licence: attribution,
    address: 'challenge-2020/1.0.2/',
    page: 'https://physionet.org/content/challenge-2020/1.0.2/',
    folder: 'challenge2020/cpsc2018',
    files: [
      licenceText,
      // Published in groups of a thousand; the readers expect one folder.
      { path: /^training\/cpsc_2018\/g\d+\/(A\d+\.mat)$/, target: '$1', bytes: 190_000 },
      { path: /^training\/cpsc_2018\/g\d+\/(A\d+\.hea)$/, target: '$1', bytes: 700 },
    ],
    about: { files: 13_754, listBytes: 10_000_000 },
  },
  {
    name: 'ptbxl',
    title: 'PTB-XL 1.0.3, 21,799 twelve-lead ECGs of 10 s, recordings at 500 Hz',
    neededFor: 'finetuning, 12 leads, 500 Hz',
    licence: attribution,
    address: 'ptb-xl/1.0.3/',
    page: 'https://physionet.org/content/ptb-xl/1.0.3/',
    folder: 'ptbxl',
    files: [
      licenceText,
      { path: /^ptbxl_database\.csv$/, target: '$&', bytes: 6_500_000 },
      { path: /^scp_statements\.csv$/, target: '$&', bytes: 9_000 },
      { path: /^records500\/\d{5}\/\d{5}_hr\.dat$/, target: '$&', bytes: 120_000 },
      { path: /^records500\/\d{5}\/\d{5}_hr\.hea$/, target: '$&', bytes: 700 },
    ],
    about: { files: 43_600, listBytes: 9_000_000 },
  },
] satisfies readonly DataSet[]);
