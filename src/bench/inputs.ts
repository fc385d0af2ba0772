import { existsSync, linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { patientFile } from '../port/transplant/datasets/icentia11k/files.ts';
import { listChallenge17Data } from '../port/transplant/datasets/physionet/listing.ts';
import { prepareData } from '../prepare/prepare_data.ts';
import { selectRecords } from '../prepare/select_records.ts';
import { makeData } from '../synthetic/make_data.ts';
import type { ModelSettings } from './port_models.ts';
import { BenchWorker } from './worker_process.ts';

/** Icentia11k patients in both forms. */
export interface IcentiaFolders {
  readonly zipped: string;
  readonly unzipped: string;
  readonly patients: number;
}

function linkPatient(folder: string, from: number, to: number, ending: string): void {
  linkSync(patientFile(folder, from, ending), patientFile(folder, to, ending));
}

/** The data of the rows: made when a row first asks for it, removed at the end. */
export class BenchInputs {
  #made: string | undefined;
  readonly #data: string | undefined;
  readonly #quick: boolean;
  readonly #report: Reporter;
  #icentia: Promise<IcentiaFolders> | undefined;
  #challenge17: Promise<string> | undefined;
  #prepared: Promise<string> | undefined;
  #reference: Promise<string> | undefined;
  #folders = 0;

  /**
   * @param options `data`: folder with the collection `cinc2017`; generated recordings are taken without it, and by quick runs.
   * @throws InputError if `data` does not hold the collection.
   */
  constructor({ data, quick, report }: { data?: string; quick: boolean; report: Reporter }) {
    if (data !== undefined && !existsSync(join(data, 'cinc2017', 'RECORDS'))) {
      throw new InputError('there are no Challenge 2017 records', {
        file: join(data, 'cinc2017', 'RECORDS'),
        next: 'Pass the folder that contains cinc2017, or leave out --data to use generated recordings.',
      });
    }
    this.#data = quick ? undefined : data;
    this.#quick = quick;
    this.#report = report;
  }

  /** Which recordings the Challenge 2017 rows run on. */
  get challenge17Source(): 'real' | 'generated' {
    return this.#data === undefined ? 'generated' : 'real';
  }

  /** Removes all that was made. */
  dispose(): void {
    if (this.#made !== undefined) rmSync(this.#made, { recursive: true, force: true });
  }

  get #folder(): string {
    this.#made ??= mkdtempSync(join(tmpdir(), 'ecg-transplant-bench-'));
    return this.#made;
  }

  /** A new empty folder. */
  folder(): string {
    const folder = join(this.#folder, `output-${this.#folders++}`);
    mkdirSync(folder);
    return folder;
  }

  /** 12 Icentia patients of 50 MB each (a real one has up to 200 MB): 3 are generated, and each stands for four. */
  icentia(): Promise<IcentiaFolders> {
    const [patients, segments, samples] = this.#quick ? [2, 2, 2 ** 14] : [3, 12, 2 ** 20];
    const all = 4 * patients;
    this.#icentia ??= makeData({
      target: this.#folder,
      sets: ['icentia'],
      forms: ['zipped', 'unzipped'],
      patients,
      segments,
      samples,
      report: this.#report,
    }).then(({ icentia }) => {
      const folders = { zipped: join(icentia!, 'zipped'), unzipped: join(icentia!, 'unzipped') };
      for (let id = patients; id < all; id++) {
        for (const ending of ['.pkl.gz', '_lbls.pkl.gz']) linkPatient(folders.zipped, id % patients, id, ending);
        for (const ending of ['.npy', '_lbls.npz']) linkPatient(folders.unzipped, id % patients, id, ending);
      }
      return { ...folders, patients: all };
    });
    return this.#icentia;
  }

  /** Folder of 1,000 Challenge 2017 records: a stratified sample of `data`, or generated ones. */
  challenge17(): Promise<string> {
    const records = this.#quick ? 40 : 1000;
    this.#challenge17 ??=
      this.#data === undefined
        ? makeData({ target: this.#folder, sets: ['challenge17'], records, report: this.#report }).then(
            ({ challenge17 }) => challenge17!,
          )
        : Promise.resolve(this.#choose(join(this.#data, 'cinc2017'), records));
    return this.#challenge17;
  }

  /** A prepared training file of 64 Challenge 2017 records, 16,384 samples each. */
  prepared(): Promise<string> {
    this.#prepared ??= this.challenge17().then(async (source) => {
      const target = this.folder();
      const chosen = this.#choose(source, this.#quick ? 8 : 64);
      await prepareData({ format: 'challenge17', source: chosen, target, testSize: 0 });
      return join(target, 'physionet.pkl');
    });
    return this.#prepared;
  }

  /** A network's weights, batch and results, which the networks of other programs are checked against: one for all rows. */
  reference(model: ModelSettings): Promise<string> {
    this.#reference ??= (async () => {
      const file = join(this.folder(), 'reference.npz');
      const worker = await BenchWorker.start('port', { name: 'reference', settings: { ...model, file } });
      await worker.close();
      return file;
    })();
    return this.#reference;
  }

  #choose(source: string, records: number): string {
    const present = listChallenge17Data(source).paths.length;
    if (present < records) {
      throw new InputError('too few records', {
        file: source,
        got: String(present),
        expected: `at least ${records}`,
        next: 'Leave out --data to use generated recordings.',
      });
    }
    const folder = this.folder();
    selectRecords(source, folder, records, 1);
    return folder;
  }
}
