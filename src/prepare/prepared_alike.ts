import { InputError } from '../errors.ts';
import type { RecordListing } from './collections.ts';
import { takeColumns } from './labels.ts';
import type { PrepareOptions } from './prepare_data.ts';
import { type Preprocessing, readPreprocessing } from './preprocessing.ts';

/**
 * The description of the file that `like` names.
 *
 * @throws InputError if nothing describes it, or an option that it decides is given too.
 */
export function describedLike({ like, ...options }: PrepareOptions): Preprocessing | undefined {
  if (like === undefined) return undefined;
  const given = (['fs', 'pad', 'normalize', 'leads'] as const).find((name) => options[name] !== undefined);
  if (given !== undefined) {
    throw new InputError(`--like decides --${given}`, {
      got: `--like ${like} and --${given}`,
      expected: 'one of them',
    });
  }
  const described = readPreprocessing(like);
  if (described !== undefined) return described;
  throw new InputError('--like: nothing says how the file was prepared', {
    file: like,
    expected: 'a file that prepare-data wrote, with its preprocessing.json beside it',
  });
}

/** Options that prepare a set as another one was. */
export function optionsLike(options: PrepareOptions, described: Preprocessing): PrepareOptions {
  const { resampling, padding, leads, normalization } = described;
  return {
    ...options,
    fs: resampling?.targetRate ?? null,
    pad: padding?.samples ?? null,
    leads,
    normalize: normalization ?? 'none',
  };
}

/** The listing with the classes of another set, in their order; classes without a record stay. Throws an InputError for a class that the other set does not have. */
export function withClassesLike(listing: RecordListing, { classes }: Preprocessing, like: string): RecordListing {
  const unknown = listing.classes.filter((name) => !classes.includes(name));
  if (unknown.length > 0) {
    throw new InputError('there are classes that the set of --like does not have', {
      file: like,
      got: unknown.join(', '),
      expected: classes.join(', '),
      next: 'Leave the records with other labels out, or give them labels of that set.',
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
