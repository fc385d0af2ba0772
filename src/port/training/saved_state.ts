import { InputError } from '../../errors.ts';
import type { FitState } from '../../graph/fit.ts';
import type { Session } from '../../graph/session.ts';
import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { ndarray } from '../../lib/numpy/ndarray.ts';
import { NpzFile, writeNpz } from '../../lib/numpy/npz.ts';

/** What callbacks remember, in their order. */
export type CallbackMemory = readonly Readonly<Record<string, number>>[];

/** Everything that a job needs to go on, besides the variables of its session. */
export interface SavedState {
  readonly fit: FitState;
  readonly callbacks: CallbackMemory;
  /** Text of `history.csv`, absent before the first epoch ends. */
  readonly historyCsv?: string;
}

/** Version of the file; older and newer ones are refused. */
const format = 1;
const stateName = 'state';

/**
 * Writes the variables of a session and a state as one `.npz` file, which appears under its name only when it is complete; a file of
 * that name stays until then.
 */
export async function writeState(file: string, session: Session, state: SavedState): Promise<void> {
  const text = new TextEncoder().encode(encode({ format, ...state }));
  const arrays = new Map<string, NdArray>([[stateName, ndarray('uint8', [text.length], text)], ...session.read()]);
  await writeNpz(file, arrays);
}

/** Reads a state without the variables. Throws an InputError for a file that is damaged or of another version. */
export function readState(file: string): SavedState {
  return withFile(file, (archive) => {
    const { data } = archive.read(stateName) as NdArray<'uint8'>;
    const { format: found, ...state } = decode(new TextDecoder().decode(data)) as SavedState & { format: number };
    if (found !== format) {
      throw new InputError('the checkpoint is of another version', { file, got: `${found}`, expected: `${format}` });
    }
    return state;
  });
}

/** Gives a session the variables of a state. Throws an InputError, before anything is assigned, if they are not all there. */
export function restoreVariables(file: string, session: Session): void {
  const values = withFile(file, (archive) => {
    const missing = session.names.filter((name) => !archive.names.includes(name));
    if (missing.length > 0) {
      throw new InputError('the checkpoint belongs to another network', { file, expected: missing[0] });
    }
    return new Map(session.names.map((name) => [name, archive.read(name) as NdArray]));
  });
  session.assign(values);
}

function withFile<T>(file: string, use: (archive: NpzFile) => T): T {
  const archive = NpzFile.open(file);
  try {
    return use(archive);
  } finally {
    archive.close();
  }
}

/** JSON with numbers that JSON does not know: they stand as `#NaN`, `#Infinity`, `#-Infinity`. */
function encode(value: unknown): string {
  return JSON.stringify(value, (_, item) => (typeof item === 'number' && !Number.isFinite(item) ? `#${item}` : item));
}

function decode(text: string): unknown {
  return JSON.parse(text, (_, item) =>
    typeof item === 'string' && /^#(NaN|-?Infinity)$/.test(item) ? Number(item.slice(1)) : item,
  );
}
