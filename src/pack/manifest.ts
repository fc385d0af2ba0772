import { boolean, literal, object } from 'valibot';
import { fileName, name } from '../lib/json/fields.ts';
import type { Described } from '../lib/json/file.ts';
import type { TarFile } from '../lib/tar/write.ts';

/** A file of an archive with its checksum. */
export interface PackedFile extends TarFile {
  /** Hexadecimal digits. */
  readonly sha256: string;
}

/** Content of `pack.json` in an archive. */
export type PackDescription = Described<typeof descriptionSchema>;

export const descriptionSchema = object({
  format: literal(1),
  /** Name of the run's folder. */
  name: fileName,
  /** Version of this package that made the archive. */
  version: name,
  /** Whether it contains data about single patients. */
  records: boolean(),
});

export const descriptionFile = 'pack.json';
