import { createHash } from 'node:crypto';
import { readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { isAddress } from '../lib/address.ts';
import { flagOf } from '../lib/argparse/flags.ts';
import { fileDigestSync } from '../lib/python/hashlib.ts';
import type { JobConfig } from './job_files.ts';

/** Options that name an input: a file, or a folder of patients. */
export const inputOptions = ['train', 'val', 'test', 'weightsFile', 'valFile'];

type Input = Exclude<JobConfig['inputs'][string], number>;

/** Where copies of inputs come from, by the path of the copy. */
export type Originals = Readonly<Record<string, string>>;

/** The inputs of a job by their paths or addresses, as `config.json` keeps them. Reads all files once. */
export function describeInputs(
  options: Readonly<Record<string, unknown>>,
  originals: Originals = {},
): JobConfig['inputs'] {
  const inputs = inputOptions.flatMap((name) => {
    const given = options[name];
    if (typeof given !== 'string') return [];
    const path = localOf(given, originals);
    const status = statSync(path, { throwIfNoEntry: false });
    return status === undefined ? [] : [[given, describe(path, status)] as const];
  });
  return Object.fromEntries(inputs);
}

/** The file to read for an input: of an address, its copy. */
function localOf(input: string, originals: Originals): string {
  if (!isAddress(input)) return input;
  return Object.keys(originals).find((copy) => originals[copy] === input) ?? input;
}

/** A file by its bytes; a folder, which may hold thousands of patients, by the names and sizes of its files. */
function describe(path: string, status: Stats): Input {
  if (!status.isDirectory()) return { bytes: status.size, modified: status.mtimeMs, sha256: fileDigestSync(path) };
  const sizes = readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => [name, statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const bytes = sizes.reduce((sum, [, size]) => sum + size, 0);
  return { bytes, files: sizes.length, sha256: createHash('sha256').update(JSON.stringify(sizes)).digest('hex') };
}

/**
 * Checks that the inputs of a job that goes on have the content with which it began; they may lie elsewhere. Files that have kept their path,
 * size and time are not read again.
 *
 * @param originals addresses of inputs that were fetched, by the path of the copy.
 * @param mayBeGone whether an input may be missing: nothing reads those of a complete job.
 * @throws InputError that names the input and both contents.
 */
export function requireSameInputs(
  dir: string,
  { options, inputs }: Pick<JobConfig, 'options' | 'inputs'>,
  given: Readonly<Record<string, unknown>>,
  report: Reporter,
  { originals = {}, mayBeGone = false }: { readonly originals?: Originals; readonly mayBeGone?: boolean } = {},
): void {
  for (const name of inputOptions) {
    const [before, now] = [options[name], given[name]];
    if (typeof before !== 'string' || typeof now !== 'string') continue;
    const known = Object.hasOwn(inputs, before) ? inputs[before] : undefined;
    const local = localOf(now, originals);
    if (before !== now) requireSameContent(dir, name, before, { given: now, local }, known);
    else if (known !== undefined) requireUnchanged(local, known, report, mayBeGone);
  }
}

function requireSameContent(
  dir: string,
  name: string,
  before: string,
  { given, local }: { readonly given: string; readonly local: string },
  known: JobConfig['inputs'][string] | undefined,
): void {
  const status = statSync(local, { throwIfNoEntry: false });
  const isKnown = typeof known === 'object';
  const mayEqual = isKnown && (known.files === undefined ? known.bytes === status?.size : status?.isDirectory());
  if (status && mayEqual && describe(local, status).sha256 === known.sha256) return;
  throw new InputError('a job can only be resumed with the options it started with', {
    file: dir,
    where: flagOf(name),
    got: given,
    expected: isKnown ? `${before}, or a copy of it` : before,
    next: 'Leave the option out, choose another --job-dir, or start again with --force instead of --resume',
  });
}

function requireUnchanged(
  path: string,
  known: JobConfig['inputs'][string],
  report: Reporter,
  mayBeGone: boolean,
): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined && mayBeGone) return;
  const { bytes, modified, files, sha256 } = typeof known === 'number' ? ({ bytes: known } as Partial<Input>) : known;
  if (files !== undefined && status?.isDirectory()) {
    // The files of the job's patients are checked before the first step. Others may come and go.
    if (describe(path, status).sha256 === sha256) return;
    report({ kind: 'warning', text: `${path}: its files are not the same as when the job began` });
    return;
  }
  const sameSize = status?.size === bytes;
  if (sameSize && (sha256 === undefined || status?.mtimeMs === modified || fileDigestSync(path) === sha256)) return;
  throw new InputError('an input of the job has changed since it started', {
    file: path,
    got: status === undefined ? 'no file' : sameSize ? 'the same size, other bytes' : `${status.size} bytes`,
    expected: sameSize ? `SHA-256 ${sha256}` : `${bytes} bytes`,
    next: 'Restore the file, choose another --job-dir, or start again with --force instead of --resume',
  });
}
