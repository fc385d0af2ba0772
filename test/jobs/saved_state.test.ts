import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beginning } from '../../src/graph/fit.ts';
import { compile, type Session } from '../../src/graph/session.ts';
import { readState, restoreVariables, type SavedState, writeState } from '../../src/jobs/saved_state.ts';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { writeNpz } from '../../src/lib/numpy/npz.ts';
import { smallBatch, smallModel } from '../graph/small_model.ts';
import { temporaryFolder } from '../port/training_data.ts';

const folder = temporaryFolder();
const file = join(folder, 'checkpoint.npz');
let session: Session;

beforeAll(() => {
  session = compile(smallModel(), { loss: 'categorical_crossentropy', seed: 1 });
});
afterAll(() => session.dispose());

describe('checkpoints', () => {
  test('restore every variable and number, including infinities and NaN', async () => {
    const { x, y } = smallBatch(8);
    session.train(x, y);
    const state: SavedState = {
      fit: {
        ...beginning,
        epoch: 3,
        step: 2,
        sums: { samples: 8, loss: 0.1 + 0.2, correct: 3 },
        history: [{ loss: Number.NaN, acc: Math.fround(0.3) }],
      },
      callbacks: [{}, { best: Number.NEGATIVE_INFINITY, wait: 4 }],
      historyCsv: 'epoch,acc,loss\r\n0,0.30000001192092896,nan\r\n',
    };
    await writeState(file, session, state);
    const before = session.read();
    const next = session.train(x, y);
    expect(session.read()).not.toEqual(before);
    restoreVariables(file, session);
    expect(session.read()).toEqual(before);
    expect(readState(file)).toEqual(state);
    expect(session.train(x, y)).toEqual(next);
  });

  test('of another network, of another version or damaged are refused before anything changes', async () => {
    const { x, y } = smallBatch(4);
    session.train(x, y);
    const before = session.read();
    const stateOf = (format: number) => ndarray('uint8', [12], new TextEncoder().encode(`{"format":${format}}`));
    const other = join(folder, 'other.npz');
    await writeNpz(other, { state: stateOf(1), 'layers/dense/vars/0': ndarray('float32', [1], Float32Array.of(1)) });
    expect(() => restoreVariables(other, session)).toThrow('the checkpoint belongs to another network');
    expect(() => readState(other)).toThrow('the checkpoint is of another version; got 1; expected 2');
    await writeState(file, session, { fit: beginning, callbacks: [] });
    const bytes = readFileSync(file);
    bytes[Math.floor(bytes.length / 2)] ^= 1;
    writeFileSync(other, bytes);
    expect(() => restoreVariables(other, session)).toThrow(other);
    writeFileSync(other, bytes.subarray(0, bytes.length / 2));
    expect(() => readState(other)).toThrow(other);
    expect(session.read()).toEqual(before);
  });
});
