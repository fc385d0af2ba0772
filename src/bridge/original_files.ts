import type { DType, NdArray } from '../lib/numpy/ndarray.ts';
import type { PythonSession } from './session.ts';
import type { Transfer } from './transfer.ts';

/** What `read_predictions` finds in a CSV file. Groups of columns that the file lacks are undefined. */
export interface ReadPredictions {
  readonly classes: readonly string[];
  readonly yTrue?: NdArray;
  readonly yPred?: NdArray;
  readonly yProb?: NdArray;
}

/** Arrays of a prediction table, by their Python names. */
export interface PredictionArrays {
  readonly y_prob: NdArray;
  readonly y_true?: NdArray;
  readonly y_pred?: NdArray;
}

/** Files that the original writes and reads. Bytes are returned as uint8 arrays; exceptions arrive as PythonErrors. */
export class OriginalFiles {
  readonly #session: PythonSession;
  readonly #transfer: Transfer;

  constructor(session: PythonSession, transfer: Transfer) {
    this.#session = session;
    this.#transfer = transfer;
  }

  /** The CSV of `create_predictions_frame`. */
  async predictionsCsv(
    arrays: PredictionArrays,
    texts: { readonly class_names?: readonly string[]; readonly record_ids?: readonly (string | number)[] } = {},
  ): Promise<NdArray> {
    const folder = this.#transfer.folder();
    const entries = Object.entries(arrays).filter(([, array]) => array !== undefined);
    return this.#transfer.take(
      await this.#transfer.lend(
        entries.map(([, array]) => array),
        (files) =>
          this.#session.call<string>('files.predictions_csv', {
            folder,
            arrays: Object.fromEntries(entries.map(([name], i) => [name, files[i]])),
            texts,
          }),
      ),
    );
  }

  /** `transplant.utils.read_predictions`. */
  async readPredictions(file: string): Promise<ReadPredictions> {
    const folder = this.#transfer.folder();
    const { classes, ...found } = await this.#session.call<{
      classes: string[];
      y_true: string | null;
      y_pred: string | null;
      y_prob: string | null;
    }>('files.read_predictions', { folder, file });
    const [yTrue, yPred, yProb] = [found.y_true, found.y_pred, found.y_prob].map((name) =>
      name === null ? undefined : this.#transfer.take(name),
    );
    return { classes, yTrue, yPred, yProb };
  }

  /** The `history.csv` that Keras's CSVLogger writes for the logs of some epochs. */
  async historyCsv(logs: readonly { readonly [name: string]: number }[]): Promise<NdArray> {
    return this.#transfer.take(
      await this.#session.call<string>('files.history_csv', { folder: this.#transfer.folder(), logs }),
    );
  }

  /** Adds a comment to every object of an HDF5 file, with h5py. Only for files that one of the two sides wrote. */
  async commentHdf5(file: string): Promise<void> {
    await this.#session.call('files.comment_hdf5', { file });
  }

  /** Stores every small array of an HDF5 file in its header (a compact layout), with h5py. Only for files that one of the two sides wrote. */
  async compactHdf5(file: string): Promise<void> {
    await this.#session.call('files.compact_hdf5', { file });
  }

  /** Drops the lower half of each float32 value of an HDF5 file and stores the rest as Keras stores bfloat16, with h5py. Only for files that one of the two sides wrote. */
  async bfloat16Hdf5(file: string): Promise<void> {
    await this.#session.call('files.bfloat16_hdf5', { file });
  }

  /** `tf.train.latest_checkpoint` of a folder: the prefix that its file `checkpoint` names. */
  latestCheckpoint(folder: string): Promise<string | null> {
    return this.#session.call('files.latest_checkpoint', { folder });
  }

  /** What the object graph of a TensorFlow checkpoint says of its values: the kind of each and its key, by key. */
  checkpointValues(prefix: string): Promise<[kind: string, key: string][]> {
    return this.#session.call('files.checkpoint_values', { prefix });
  }

  /** Members of a zip file: name, date and kind of compression. */
  zipMembers(file: string): Promise<(string | number)[][]> {
    return this.#session.call('files.zip_members', { file });
  }

  /** `array.astype(dtype)` of NumPy. */
  async astype(array: NdArray, dtype: DType): Promise<NdArray> {
    const folder = this.#transfer.folder();
    return this.#transfer.take(
      await this.#transfer.lend([array], ([name]) =>
        this.#session.call<string>('files.astype', { folder, name, dtype }),
      ),
    );
  }

  /** The `.npy` file that `numpy.save` writes. */
  async npy(array: NdArray): Promise<NdArray> {
    const folder = this.#transfer.folder();
    return this.#transfer.take(
      await this.#transfer.lend([array], ([name]) => this.#session.call<string>('files.npy', { folder, name })),
    );
  }

  /** The values of a `.npy` file as `numpy.load` reads them, without pickles. */
  async readNpy(file: string): Promise<NdArray> {
    return this.#transfer.take(
      await this.#session.call<string>('files.read_npy', { folder: this.#transfer.folder(), file }),
    );
  }

  /**
   * `pickle.dumps(load_pkl(file), protocol=4)` of a dict of arrays in C order: brings the pickles of both sides into one form. Only for
   * files that one of the two sides wrote.
   */
  async repickled(file: string): Promise<NdArray> {
    return this.#transfer.take(
      await this.#session.call<string>('files.repickled', { folder: this.#transfer.folder(), file }),
    );
  }

  /**
   * Writes a dict of arrays as a pickle of protocol 2, as Python 2 did. At each of the given byte positions (ascending, some hundred bytes
   * apart) lies a name that is stored as a line of text.
   */
  async writePickleInPieces(file: string, places: readonly number[]): Promise<void> {
    await this.#session.call('files.pickle_in_pieces', { file, places });
  }

  /** The arrays of a dict as `load_pkl` reads it. Only for files that one of the two sides wrote. */
  async pickledArrays(file: string): Promise<Map<string, NdArray>> {
    const folder = this.#transfer.folder();
    const found = await this.#session.call<Record<string, string>>('files.pickled_arrays', { folder, file });
    return new Map(Object.entries(found).map(([name, array]) => [name, this.#transfer.take(array)]));
  }

  /** What `load_pkl` reads, as text. Only for files that one of the two sides wrote. */
  described(file: string): Promise<string> {
    return this.#session.call('files.described', { file });
  }

  /** `icentia11k.unzip_patient_data`: writes the unzipped files of a patient into a folder that exists. */
  async unzipPatient(dbDir: string, patientId: number, outDir: string): Promise<void> {
    await this.#session.call('files.unzip_patient', { db_dir: dbDir, patient_id: patientId, out_dir: outDir });
  }
}
