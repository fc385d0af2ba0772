import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { readNpy, writeNpy } from '../lib/numpy/npy.ts';
import type { PythonSession } from './session.ts';

/** Moves arrays through a session's exchange folder as `.npy` files. Each file is removed once it has been read. */
export class Transfer {
  readonly #session: PythonSession;
  #count = 0;

  constructor(session: PythonSession) {
    this.#session = session;
  }

  /** A name in the exchange folder that no other call uses. */
  folder(): string {
    return `call-${this.#count++}`;
  }

  /** Writes arrays, calls `use` with their names, and removes them afterwards. */
  async lend<T>(arrays: readonly NdArray[], use: (names: string[]) => Promise<T>): Promise<T> {
    const names = arrays.map(() => `sent-${this.#count++}.npy`);
    const paths = names.map((name) => join(this.#session.exchange, name));
    try {
      for (const [position, array] of arrays.entries()) writeNpy(paths[position], array);
      return await use(names);
    } finally {
      for (const path of paths) rmSync(path, { force: true });
    }
  }

  /** Reads and removes an array that Python wrote; throws a TypeError if it is not numeric. */
  take(name: string): NdArray {
    const path = join(this.#session.exchange, name);
    const array = readNpy(path);
    rmSync(path);
    if (array.dtype === 'object' || array.dtype === 'str')
      throw new TypeError(`${name}: ${array.dtype} arrays cannot cross the bridge`);
    return array;
  }

  /** Reads and removes several arrays. */
  takeAll(names: readonly string[]): NdArray[] {
    return names.map((name) => this.take(name));
  }
}
