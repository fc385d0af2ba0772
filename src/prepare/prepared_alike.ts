import { InputError } from '../errors.ts';
import type { RecordListing } from './collections.ts';
import { takeColumns } from './labels.ts';
import { type Preprocessing, readPreprocessing } from './preprocessing.ts';

/** What a description sets of the options of `prepare-data`. */
const settled = ['fs', 'pad', 'normalize', 'leads'] as const;

type LikeOptions = { readonly like?: string } & { readonly [name in (typeof settled)[number]]?: unknown };

/**
 * The description of the file that `like` names.
 *
 * @throws InputError if there is no description, or if an option is given that the description sets.
 */
export function describedLike({ like, ...options }: LikeOptions): Preprocessing | undefined {
  if (like === undefined) return undefined;
  const given = settled.find((name) => options[name] !== undefined);
  if (given !== undefined) {
    throw new InputError(`--like already sets --${given}`, {
      got: `--like ${like} and --${given}`,
      expected: 'one of them',
    });
  }
  const described = readPreprocessing(like);
  if (described !== undefined) return described;
  throw new InputError('--like: no preprocessing.json describes this file', {
    file: like,
    expected: 'a file that prepare-data wrote, with its preprocessing.json beside it',
  });
}

/** Options that prepare a set in the same way as another one. */
export function optionsLike<T extends object>(
  options: T,
  described: Preprocessing,
): T & {
  readonly fs: number | null;
  readonly pad: number | null;
  readonly leads: readonly string[];
  readonly normalize: NonNullable<Preprocessing['normalization']> | 'none';
} {
  const { resampling, padding, leads, normalization } = described;
  return {
    ...options,
    fs: resampling?.targetRate ?? null,
    pad: padding?.samples ?? null,
    leads,
    normalize: normalization ?? 'none',
  };
}

/** Gives the listing the classes of another set, in the same order, even classes without records. Throws an InputError for a class that the other set does not have. */
export function withClassesLike(listing: RecordListing, { classes }: Preprocessing, like: string): RecordListing {
  const unknown = listing.classes.filter((name) => !classes.includes(name));
  if (unknown.length > 0) {
    throw new InputError('the --like file does not have all classes', {
      file: like,
      got: unknown.join(', '),
      expected: classes.join(', '),
      next: 'Leave out the records with other labels, or give them labels of that file.',
    });
  }
  return {
    ...listing,
    classes,
    y: takeColumns(
      listing.y,
      classes.map((name) => listing.classes.indexOf(name)),
    ),
  };
}
