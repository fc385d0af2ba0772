import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError } from '../../errors.ts';
import { NpyFile, readNpy, writeNpy } from '../../lib/numpy/npy.ts';
import { readNpz, writeNpz } from '../../lib/numpy/npz.ts';
import { dump, load } from '../../lib/python/pickle.ts';
import { extractTar, type TarOptions } from '../../lib/tar/archive.ts';
import { loadLabels, loadSignal, patientFile } from '../../port/transplant/datasets/icentia11k_files.ts';
import { readPredictions } from '../../port/transplant/predictions.ts';
import { readWeights, writeWeights } from '../../port/weights/files.ts';
import { identifyModel } from '../../port/weights/identify.ts';
import { weightLayout } from '../../port/weights/layout.ts';

/**
 * Where a user's files cross to Python. Its libraries run what a pickle says and follow what an HDF5 file points to, so Python is given no
 * such file: the port's own readers, which do neither, read it, and what they read is written anew. Files that this run wrote itself, on
 * either side, need no gate.
 *
 * Each method returns the path of a clean copy under the gate's folder, and throws an InputError (or FileNotFoundError) that names what is
 * wrong; then nothing is left behind.
 */
export class Gate {
  readonly #folder: string;
  #crossings = 0;

  /** `folder` is made if it is missing; who gives it removes it. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A gzip pickle of arrays and plain containers, such as a prepared data set of any size; a number without fraction becomes an int. */
  prepared(file: string): Promise<string> {
    return this.#cross((folder) => rewritePickle(file, join(folder, basename(file)), folder));
  }

  /** Weights of a network of this project: a `.weights.h5` file with Adam's state if it has one, or the prefix of a checkpoint. */
  weights(name: string): Promise<string> {
    return this.#cross(async (folder) => {
      const { file, format, weights, optimizer } = readWeights(name);
      const description = identifyModel(weights);
      if (!description) {
        const expected = 'those of a backbone, a classifier or a pretraining model of this project';
        throw new InputError('unknown weights', { file, expected, next: 'Look at it: npm run inspect -- FILE' });
      }
      const target = join(folder, basename(file));
      await writeWeights(target, weightLayout(description), weights, { format, ...(optimizer ? { optimizer } : {}) });
      return target;
    });
  }

  /** A CSV of predictions, byte for byte. */
  predictions(file: string): Promise<string> {
    return this.#cross(async (folder) => {
      readPredictions(file);
      // Not the user's name: by its ending pandas would unpack it.
      const target = join(folder, 'predictions.csv');
      copyFileSync(file, target);
      return target;
    });
  }

  /** Patients of an Icentia11k folder, zipped or unzipped; labels where there are any. Returns a folder with these patients only. */
  icentia(
    dbDir: string,
    patientIds: readonly number[],
    { unzipped = false }: { unzipped?: boolean } = {},
  ): Promise<string> {
    return this.#cross(async (folder) => {
      const rewrite = unzipped ? rewriteUnzipped : rewriteZipped;
      for (const patientId of patientIds) await rewrite(dbDir, patientId, folder);
      return folder;
    });
  }

  /** The files of a `.tar` or `.tar.gz`, unpacked: plain files inside the folder, nothing else. What they hold has to pass the gate by itself. */
  archive(file: string, limits: TarOptions = {}): Promise<string> {
    return this.#cross(async (folder) => {
      await extractTar(file, folder, limits);
      return folder;
    });
  }

  async #cross(rewrite: (folder: string) => Promise<string>): Promise<string> {
    const folder = join(this.#folder, `gate-${this.#crossings++}`);
    mkdirSync(folder, { recursive: true });
    try {
      return await rewrite(folder);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

/** Arrays too large for the memory pass through a file in `folder`. */
async function rewritePickle(source: string, target: string, folder: string): Promise<string> {
  const spilled: NpyFile[] = [];
  const value = await load(source, { spill: { folder, name: `${basename(source)}.array` } });
  try {
    collect(value, spilled);
    await dump(target, value);
    return target;
  } finally {
    for (const file of spilled) {
      file.close();
      rmSync(file.name, { force: true });
    }
  }
}

function collect(value: unknown, found: NpyFile[]): void {
  if (value instanceof NpyFile) found.push(value);
  else if (value instanceof Map) for (const item of value.values()) collect(item, found);
  else if (Array.isArray(value)) for (const item of value) collect(item, found);
}

async function rewriteZipped(dbDir: string, patientId: number, folder: string): Promise<void> {
  loadSignal(dbDir, patientId);
  await rewritePickle(patientFile(dbDir, patientId, '.pkl.gz'), patientFile(folder, patientId, '.pkl.gz'), folder);
  const labels = patientFile(dbDir, patientId, '_lbls.pkl.gz');
  if (!existsSync(labels)) return;
  loadLabels(dbDir, patientId);
  await rewritePickle(labels, patientFile(folder, patientId, '_lbls.pkl.gz'), folder);
}

async function rewriteUnzipped(dbDir: string, patientId: number, folder: string): Promise<void> {
  const signal = patientFile(dbDir, patientId, '.npy');
  const array = readNpy(signal);
  if (array.dtype === 'object' || array.dtype === 'str') {
    throw new InputError('a signal is an array of numbers', { file: signal, got: `dtype ${array.dtype}` });
  }
  writeNpy(patientFile(folder, patientId, '.npy'), array);
  const labels = patientFile(dbDir, patientId, '_lbls.npz');
  if (existsSync(labels)) await writeNpz(patientFile(folder, patientId, '_lbls.npz'), readNpz(labels));
}
