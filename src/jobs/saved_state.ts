import { array, boolean, literal, object, optional, strictObject, string } from 'valibot';
import { InputError } from '../errors.ts';
import type { FitState } from '../graph/fit.ts';
import type { Session } from '../graph/session.ts';
import { amount, anyNumber, mapOf } from '../lib/json/fields.ts';
import { checkJson, type Described } from '../lib/json/file.ts';
import { encodeJson } from '../lib/json/text.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { ndarray } from '../lib/numpy/ndarray.ts';
import { NpzFile, writeNpz } from '../lib/numpy/npz.ts';

/** What callbacks remember, in their order. */
export type CallbackMemory = SavedState['callbacks'];

/** Everything that a job needs to resume, besides the variables of its session. */
export type SavedState = Omit<Described<typeof stateSchema>, 'format' | 'fit'> & { readonly fit: FitState };

/** Version of the file; others are refused. */
const format = 2;

const stateSchema = object({
  format: literal(format),
  fit: object({
    epoch: amount,
    step: amount,
    sums: object({ samples: amount, loss: anyNumber, correct: anyNumber }),
    history: array(mapOf(string(), anyNumber)),
    stopped: boolean(),
  }),
  // These are assigned to the callbacks: no other names may pass.
  callbacks: array(strictObject({ best: optional(anyNumber), wait: optional(anyNumber), rate: optional(anyNumber) })),
  /** Text of `history.csv`, absent before the first epoch ends. */
  historyCsv: optional(string()),
});

const stateName = 'state';

/**
 * Writes the variables of a session and a state to one `.npz` file. The file appears under its name only when it is complete.
 */
export async function writeState(file: string, session: Session, state: SavedState): Promise<void> {
  const text = new TextEncoder().encode(encodeJson({ format, ...state }));
  const arrays = new Map<string, NdArray>([[stateName, ndarray('uint8', [text.length], text)], ...session.read()]);
  await writeNpz(file, arrays);
}

/** Reads a state without the variables. Throws an InputError if the file is damaged or of another version. */
export function readState(file: string): SavedState {
  return withFile(file, (archive) => {
    const { data } = archive.read(stateName) as NdArray<'uint8'>;
    const text = new TextDecoder().decode(data);
    const next = 'Start the job again with --force, or choose another --job-dir.';
    const { format: _, ...state } = checkJson(text, stateSchema, file, { what: 'the checkpoint', next });
    return state;
  });
}

/** Assigns the variables of a state to a session. Throws an InputError, before any change, if one is missing. */
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
