import type { TarFile } from '../lib/tar/write.ts';

/** A file of an archive with its checksum. */
export interface PackedFile extends TarFile {
  /** Hexadecimal digits. */
  readonly sha256: string;
}

/** Content of `pack.json` in an archive. */
export interface Description {
  readonly format: 1;
  /** Name of the run's folder. */
  readonly name: string;
  /** Version of this package that made the archive. */
  readonly version: string;
  /** Whether it tells of single patients. */
  readonly records: boolean;
}

export const descriptionFile = 'pack.json';

/** Checksums of all other files, in the form of `sha256sum --check`; the first entry of an archive. */
export const sumsFile = 'SHA256SUMS';
