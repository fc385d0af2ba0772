import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { Annotation } from '../lib/wfdb/annotation.ts';
import type { PythonSession } from './session.ts';
import type { Transfer } from './transfer.ts';
import type { Wire } from './wire.ts';

/** The header of a WFDB record, its fields under the names of the port. */
export type WfdbHeader = {
  readonly recordName: string;
  readonly fs: number;
  readonly signalLength: number | null;
  readonly baseTime: string | null;
  readonly baseDate: string | null;
  readonly comments: readonly string[];
  readonly signals: readonly { readonly [field: string]: string | number | null }[];
};

/** A prepared data set as the original holds it. */
export interface PreparedData {
  /** `(records, samples, leads)`, float32 or float64. */
  readonly x: NdArray;
  /** `(records, classes)`, of the label frame's own dtype. */
  readonly y: NdArray;
  readonly recordIds: readonly (string | number)[];
  readonly classes: readonly string[];
}

/** Collections that the original reads: `finetuning.datasets.get_<name>_data` and `physionet.read_<name>_data`. */
export type CollectionName = 'challenge17' | 'challenge20' | 'ptb_xl';

/** How to prepare a collection: options of `get_<name>_data` by their Python names. `fs` in Hz, `pad` in samples or `max`. */
export interface Preparation {
  readonly fs?: number | null;
  readonly pad?: number | 'max' | null;
  readonly normalize?: boolean;
  /** PTB-XL only. */
  readonly category?: string;
  /** PTB-XL only. */
  readonly folds?: readonly number[];
}

/** A call of `read_<name>_data` (`reads`) or `get_<name>_data`. */
export interface CollectionCall {
  readonly collection: CollectionName;
  readonly reads: boolean;
  readonly dbDir: string;
  readonly options: Preparation;
}

/** Names of the records and classes that a call returned, or the built-in class of the exception that it raised. */
export type CollectionOutcome =
  | { readonly index: readonly (string | number)[]; readonly columns: readonly string[] }
  | { readonly error: string };

/** What `read_<name>_data` returns. */
export interface ReadRecords {
  /** `(samples, leads)` in mV each, float64. */
  readonly signals: readonly NdArray[];
  /** Hz. */
  readonly rates: readonly number[];
  readonly names: readonly (string | number)[];
  readonly labels: { readonly index: readonly (string | number)[]; readonly columns: readonly string[] };
  /** `(records, classes)`. */
  readonly values: NdArray;
}

/** Labels of a patient of Icentia11k, int64. */
export interface PatientLabels {
  /** Positions and codes of each segment in turn, then counts and durations `(segments, codes)`. */
  readonly btype: readonly NdArray[];
  readonly rtype: readonly NdArray[];
}

/** What a trainer passes to `fit`, in order. */
export interface FitData {
  /** Inputs by name (`x`, or `context` and `samples`) and labels, all batches joined. */
  readonly train: FitArrays;
  readonly val: FitArrays | null;
}

/** Samples and labels of one part. */
export interface FitArrays {
  readonly inputs: ReadonlyMap<string, NdArray>;
  readonly y: NdArray;
}

type DataFiles = {
  readonly x: string;
  readonly y: string;
  readonly recordIds: (string | number)[];
  readonly classes: string[];
};

type FitFiles = { readonly inputs: { readonly [name: string]: string }; readonly y: string };

/** How the original reads, prepares, splits and saves data sets. Its exceptions arrive as PythonErrors. */
export class OriginalData {
  readonly #session: PythonSession;
  readonly #transfer: Transfer;

  constructor(session: PythonSession, transfer: Transfer) {
    this.#session = session;
    this.#transfer = transfer;
  }

  /** `finetuning.datasets.get_<collection>_data`. With `save`, `transplant.utils.save_pkl` also writes the result to that file. */
  async prepare(
    collection: CollectionName,
    dbDir: string,
    options: Preparation,
    save: string | null = null,
  ): Promise<PreparedData> {
    return this.#data(
      await this.#session.call<DataFiles>('datasets.prepare', {
        folder: this.#transfer.folder(),
        collection,
        db_dir: dbDir,
        options: { ...options },
        save,
      }),
    );
  }

  /** The header of a WFDB record (a path without ending) as `wfdb.rdheader` reads it. */
  wfdbHeader(path: string): Promise<WfdbHeader> {
    return this.#session.call('datasets.wfdb_header', { path });
  }

  /** The annotations of a WFDB record (a path without ending) as `wfdb.rdann` reads them. */
  wfdbAnnotation(path: string, extension: string): Promise<Annotation> {
    return this.#session.call<Pick<Annotation, keyof Annotation>>('datasets.wfdb_annotation', { path, extension });
  }

  /** `transplant.datasets.physionet.read_<collection>_data`. */
  async records(
    collection: CollectionName,
    dbDir: string,
    options: { readonly fs?: 'lr' | 'hr'; readonly category?: string; readonly remove_empty?: boolean } = {},
  ): Promise<ReadRecords> {
    const found = await this.#session.call<{
      signals: string[];
      rates: number[];
      names: (string | number)[];
      index: (string | number)[];
      columns: string[];
      values: string;
    }>('datasets.records', { folder: this.#transfer.folder(), collection, db_dir: dbDir, options });
    const { rates, names, index, columns } = found;
    const signals = this.#transfer.takeAll(found.signals);
    return { signals, rates, names, labels: { index, columns }, values: this.#transfer.take(found.values) };
  }

  /** What calls return or raise. */
  outcomes(calls: readonly CollectionCall[]): Promise<CollectionOutcome[]> {
    const described = calls.map(({ collection, reads, dbDir, options }) => ({
      function: `${reads ? 'read' : 'get'}_${collection}_data`,
      db_dir: dbDir,
      options: { ...options },
    }));
    return this.#session.call('datasets.outcomes', { calls: described });
  }

  /** Constants of the data set modules by their Python names: numbers, and names by code. */
  constants(): Promise<{
    readonly numbers: { readonly [name: string]: number[] };
    readonly names: { readonly [name: string]: { readonly [code: string]: string } };
  }> {
    return this.#session.call('datasets.constants');
  }

  /** A function over arrays: `pad_sequences`, `running_mean_std`, a normaliser, `physionet.resample_records`. Results are arrays. */
  async apply(
    name: string,
    arrays: readonly NdArray[],
    options: { readonly [key: string]: Wire } = {},
  ): Promise<NdArray[]> {
    const folder = this.#transfer.folder();
    return this.#transfer.takeAll(
      await this.#transfer.lend(arrays, (names) =>
        this.#session.call<string[]>('datasets.apply', { folder, name, arrays: names, options }),
      ),
    );
  }

  /** Seeded `finetuning.utils.train_test_split` of a prepared file, stratified by default. Saves both parts. */
  async split(
    file: string,
    options: { testSize: number; seed: number; train: string; test: string; stratify?: boolean },
  ): Promise<{ train: PreparedData; test: PreparedData }> {
    const { testSize, stratify = true, ...rest } = options;
    const parts = await this.#session.call<{ train: DataFiles; test: DataFiles }>('datasets.split', {
      folder: this.#transfer.folder(),
      file,
      test_size: testSize,
      stratify,
      ...rest,
    });
    return { train: this.#data(parts.train), test: this.#data(parts.test) };
  }

  /**
   * `finetuning.utils.train_test_split` of a set of `count` numbered records after `np.random.seed(seed)`, optionally stratified by labels:
   * the numbers of both parts, int64, and NumPy's next draw.
   */
  async splitNumbers(
    count: number,
    options: { readonly seed: number; readonly test_size?: number; readonly train_size?: number },
    stratify?: NdArray,
  ): Promise<{ train: NdArray; test: NdArray; next: NdArray }> {
    const folder = this.#transfer.folder();
    const [train, test, next] = this.#transfer.takeAll(
      await this.#transfer.lend(stratify ? [stratify] : [], ([labels = null]) =>
        this.#session.call<string[]>('datasets.split_numbers', { folder, count, options, stratify: labels }),
      ),
    );
    return { train, test, next };
  }

  /** Reads a prepared file by `transplant.utils.load_pkl`. */
  async load(file: string): Promise<PreparedData> {
    return this.#data(await this.#session.call<DataFiles>('datasets.load', { folder: this.#transfer.folder(), file }));
  }

  /** `icentia11k.load_signal`, `(segments, samples)`. */
  async patientSignal(dbDir: string, patientId: number, unzipped: boolean): Promise<NdArray> {
    const folder = this.#transfer.folder();
    const place = { db_dir: dbDir, patient_id: patientId, unzipped };
    return this.#transfer.take(await this.#session.call<string>('datasets.patient_signal', { folder, ...place }));
  }

  /** `icentia11k.load_labels`, `count_labels` and `calculate_durations`. Only for files that the port wrote: Python unpickles them. */
  async patientLabels(dbDir: string, patientId: number, unzipped: boolean): Promise<PatientLabels> {
    const folder = this.#transfer.folder();
    const found = await this.#session.call<{ btype: string[]; rtype: string[] }>('datasets.patient_labels', {
      folder,
      db_dir: dbDir,
      patient_id: patientId,
      unzipped,
    });
    return { btype: this.#transfer.takeAll(found.btype), rtype: this.#transfer.takeAll(found.rtype) };
  }

  /** Prepares CPSC 2018 as first published (MATLAB 5): SciPy reads it, then the steps of `get_challenge20_data` follow. */
  async cpsc2018(
    files: readonly string[],
    options: { readonly fs: number | null; readonly pad: number | 'max' | null; readonly normalize: boolean },
  ): Promise<NdArray> {
    const folder = this.#transfer.folder();
    return this.#transfer.take(
      (await this.#session.call<{ x: string }>('datasets.cpsc2018', { folder, files, ...options })).x,
    );
  }

  /** `pretraining.trainer.parse_patient_ids`, which upstream does not have. */
  async patientIds(text: string): Promise<NdArray> {
    const folder = this.#transfer.folder();
    return this.#transfer.take(await this.#session.call<string>('datasets.patient_ids', { folder, text }));
  }

  /**
   * Runs a trainer as a script up to `fit` and returns what it would train on, unshuffled: of an endless stream, the first `batches`
   * batches. `patientIds` replace the full list of Icentia11k patients.
   */
  async fitData(
    module: 'finetuning.trainer' | 'pretraining.trainer',
    argv: readonly string[],
    { batches = null, patientIds = null }: { batches?: number | null; patientIds?: readonly number[] | null } = {},
  ): Promise<FitData> {
    const found = await this.#session.call<{ train: FitFiles; val: FitFiles | null }>('datasets.fit_data', {
      folder: this.#transfer.folder(),
      module,
      argv,
      batches,
      patient_ids: patientIds,
    });
    const take = ({ inputs, y }: FitFiles): FitArrays => ({
      inputs: new Map(Object.entries(inputs).map(([name, file]) => [name, this.#transfer.take(file)])),
      y: this.#transfer.take(y),
    });
    return { train: take(found.train), val: found.val && take(found.val) };
  }

  /** Settings of the optimiser of a trainer, by their names in Keras; the learning rate as a float32. */
  optimizerSettings(
    module: 'finetuning.trainer' | 'pretraining.trainer',
    argv: readonly string[],
  ): Promise<{ [setting: string]: number }> {
    return this.#session.call('datasets.optimizer_settings', { module, argv });
  }

  #data(files: DataFiles): PreparedData {
    return {
      x: this.#transfer.take(files.x),
      y: this.#transfer.take(files.y),
      recordIds: files.recordIds,
      classes: files.classes,
    };
  }
}
