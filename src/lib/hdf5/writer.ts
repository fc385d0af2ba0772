import { bytesOf, type DType, type NdArray } from '../numpy/ndarray.ts';
import { type Hdf5Content, readHdf5 } from './reader.ts';

/** h5wasm's letters for the types that weights and optimiser states have. */
const letters: Partial<Record<DType, string>> = {
  float32: '<f',
  float64: '<d',
  int32: '<i',
  int64: '<q',
  uint32: '<I',
};

let files = 0;

/**
 * The bytes of an HDF5 file with contiguous arrays and (possibly empty) groups, in the format version that h5py writes. Creates the parent groups of
 * each path, reads the result back and compares it. Throws a TypeError for a dtype that no weight has.
 */
export async function writeHdf5({ groups, arrays }: Hdf5Content): Promise<Uint8Array> {
  // Loaded on first use: it unpacks 4 MB of WebAssembly.
  const { File, ready } = await import('h5wasm');
  const { FS } = await ready;
  // A name in h5wasm's own file system, which lives in memory.
  const name = `weights-${files++}.h5`;
  const file = new File(name, 'w', { libver: ['earliest', 'latest'] });
  try {
    const made = new Set<string>();
    const makeGroup = (path: string): void => {
      if (path === '' || made.has(path)) return;
      makeGroup(parentOf(path));
      file.create_group(path);
      made.add(path);
    };
    groups.forEach(makeGroup);
    for (const [path, array] of arrays) {
      const dtype = letters[array.dtype];
      if (dtype === undefined) throw new TypeError(`${path}: ${array.dtype} values cannot be written to a weight file`);
      makeGroup(parentOf(path));
      file.create_dataset({ name: path, data: array.data, shape: [...array.shape], dtype });
    }
    file.flush();
  } finally {
    file.close();
  }
  const bytes = FS.readFile(name);
  FS.unlink(name);
  compare(arrays, readHdf5(name, bytes).arrays);
  return bytes;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

function compare(written: ReadonlyMap<string, NdArray>, read: ReadonlyMap<string, NdArray>): void {
  for (const [path, array] of written) {
    const back = read.get(path);
    const same =
      back?.dtype === array.dtype &&
      back.shape.join() === array.shape.join() &&
      Buffer.compare(bytesOf(back), bytesOf(array)) === 0;
    if (!same) throw new Error(`h5wasm wrote wrong values of ${path}; the file was not saved`);
  }
  if (read.size !== written.size)
    throw new Error(`h5wasm wrote ${read.size} of ${written.size} arrays; the file was not saved`);
}
