import { existsSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { configFile, isComplete } from '../jobs/job.ts';
import { configSchema } from '../jobs/job_files.ts';
import { bestModelFile, modelFile, readJobModel } from '../jobs/job_model.ts';
import { fileKind } from '../lib/file_kind.ts';
import { readJson } from '../lib/json/file.ts';
import { ndarray, sizeOf } from '../lib/numpy/ndarray.ts';
import { readNpy } from '../lib/numpy/npy.ts';
import { NpzFile } from '../lib/numpy/npz.ts';
import { type AnyArray, isArray } from '../lib/numpy/object_array.ts';
import { load } from '../lib/python/pickle.ts';
import type { PreparedSet } from '../port/finetuning/datasets.ts';
import { openPreparedSet } from '../prepare/prepared_set.ts';
import { readPreprocessing } from '../prepare/preprocessing.ts';
import { findLeads } from '../recordings/leads.ts';
import { type RecordingFile, recordingFile } from '../recordings/record_files.ts';
import { openRecording } from '../recordings/recordings.ts';
import { counted } from '../text.ts';
import { statistics, type TensorSummary, tensorTable } from './tensor_table.ts';

/** What `inspect` says about a file. */
export interface DataReport {
  /** For programs. */
  readonly json: object;
  /** Whether it is one recording. */
  readonly isRecording?: boolean;
  readonly text: string;
  /** Whether no value is NaN or infinite. */
  readonly allFinite: boolean;
}

/** Describes any file except weights; undefined for weights, and if there is no such file. */
export async function inspectData(path: string, leads?: readonly string[]): Promise<DataReport | undefined> {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory()) return inspectFolder(path);
  if (isPartOfCheckpoint(path)) return undefined;
  if (status === undefined) return isRecording(path) ? inspectRecording(path, leads) : undefined;
  const { id, words, next } = fileKind(path);
  switch (id) {
    case 'pickle':
      return inspectPickle(path);
    case 'npy':
      return arrayReport(path, 'NumPy array', new Map([['', readNpy(path)]]));
    case 'npz':
      return inspectNpz(path);
    case 'hdf5':
    case 'keras':
    case 'zip':
    case 'lfs':
      return undefined;
    case 'text':
    case 'wfdb-header':
    case 'wfdb-signal':
    case 'mat4':
    case 'mat5':
    case 'mat73':
      return inspectRecording(path, leads);
    default:
      if (isRecording(path)) return inspectRecording(path, leads);
      throw new InputError('a file of this kind cannot be inspected', {
        file: path,
        got: words,
        expected: 'weights, a prepared set, NumPy arrays, a recording or the folder of a job',
        next,
      });
  }
}

/** Whether a path, with or without extension, is a recording. */
function isRecording(path: string): boolean {
  try {
    recordingFile(path);
    return true;
  } catch {
    return false;
  }
}

function isPartOfCheckpoint(path: string): boolean {
  return existsSync(`${path.replace(/\.(index|data-\d{5}-of-\d{5})$/, '')}.index`);
}

/** Describes a job folder. */
function inspectFolder(folder: string): DataReport {
  if (!existsSync(join(folder, configFile))) {
    const names = readdirSync(folder);
    throw new InputError('this folder is not a job folder', {
      file: folder,
      got: `${names.length} files and folders${names.length > 0 ? `, such as ${names[0]}` : ''}`,
      expected: configFile,
      next: 'Name a file in it.',
    });
  }
  const { job, options, seed, initSeed } = readJson(join(folder, configFile), configSchema);
  const complete = isComplete(folder);
  const network = existsSync(join(folder, modelFile)) ? readJobModel(folder) : undefined;
  const weights = readdirSync(folder).filter((name) => name.endsWith('.weights.h5'));
  const json = { kind: 'job', folder, job, complete, seed, initSeed, options, ...network, weights };
  const described = network && [
    `Network:    ${network.model.arch}, ${counted(network.model.samples, 'sample')}, ${counted(network.model.leads, 'lead')}, ${network.model.multiLabel ? 'several labels' : 'one label'} a record`,
    `Classes:    ${network.model.classes.join(', ')}`,
    ...(network.preprocessing ? contractLines(network.preprocessing) : []),
  ];
  const lines = [
    `${folder} (${job} job, ${complete ? 'complete' : 'unfinished'})`,
    `Seeds:      ${seed}, initial weights ${initSeed}`,
    ...(described ?? []),
    `Weights:    ${weights.join(', ') || 'none yet'}`,
    `Options:    ${Object.entries(options)
      .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
      .join(', ')}`,
    ...(complete && existsSync(join(folder, bestModelFile))
      ? ['', `Predict:    ecg-transplant predict --job-dir ${folder} RECORDING…`]
      : []),
  ];
  return { json, text: `${lines.join('\n')}\n`, allFinite: true };
}

type Contract = NonNullable<ReturnType<typeof readPreprocessing>>;

/** What was done to the recordings of a prepared set. */
function contractLines({ samplingRate, leads, units, normalization, resampling, padding, split }: Contract): string[] {
  const range = (value: number | readonly number[]): string =>
    typeof value === 'number' ? `${value}` : value.join(', ');
  return [
    `Recordings: ${samplingRate} Hz${resampling === null ? ' as recorded' : ', resampled'}, leads ${leads.join(', ')}, in ${units}`,
    `Normalised: ${normalization === null ? 'no' : `mean ${range(normalization.mean)}, standard deviation ${range(normalization.std)}`}`,
    `Padding:    ${padding === null ? 'none' : `to ${padding.samples} samples, zeros in front`}`,
    `Divided:    by ${split.by}${split.seed === null ? '' : `, seed ${split.seed}`}`,
  ];
}

async function inspectPickle(path: string): Promise<DataReport> {
  let set: (PreparedSet & { close(): void }) | undefined;
  try {
    set = await openPreparedSet(path, { folder: tmpdir() });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const value = await load(path);
    const lines = outline(value, 0);
    return {
      json: { kind: 'pickle', file: path, content: lines },
      text: `${path} (Python pickle)\n${lines.join('\n')}\n`,
      allFinite: true,
    };
  }
  try {
    return setReport(path, set);
  } finally {
    set.close();
  }
}

function setReport(path: string, { x, y, recordIds, classes, patientIds }: PreparedSet): DataReport {
  const [records = 0, samples = 0, leads = 0] = x.shape;
  const width = classes.length;
  const counts = classes.map((name, k) => ({
    name,
    records: Array.from({ length: records }, (_, i) => Number(y.data[i * width + k])).filter((label) => label === 1)
      .length,
  }));
  const unlabelled = Array.from({ length: records }, (_, i) => i).filter((i) =>
    classes.every((_, k) => Number(y.data[i * width + k]) === 0),
  ).length;
  let nonFinite = 0;
  for (let i = 0; i < records; i++) {
    const row = x.take([i]);
    nonFinite += statistics(row).nonFinite;
  }
  const contract = readPreprocessing(path);
  const patients = patientIds && new Set(patientIds).size;
  const json = {
    kind: 'prepared set',
    file: path,
    records,
    samples,
    leads,
    dtype: x.dtype,
    labels: y.dtype,
    classes: counts,
    unlabelled,
    ...(patients !== undefined && { patients }),
    nonFinite,
    firstRecords: recordIds.slice(0, 3),
    preprocessing: contract ?? null,
  };
  const lines = [
    `${path} (prepared set)`,
    `Records:    ${records}, such as ${recordIds.slice(0, 3).join(', ')}${patients === undefined ? '' : `; ${patients} patients`}`,
    `Signals:    ${x.dtype} (${x.shape.join(', ')}): ${counted(samples, 'sample')}, ${counted(leads, 'lead')}`,
    `Classes:    ${counts.map(({ name, records: count }) => `${name} ${count}`).join(', ')}${unlabelled > 0 ? `; ${unlabelled} records without a label` : ''}`,
    ...(contract
      ? contractLines(contract)
      : ['Prepared:   unknown: no preprocessing.json beside the file describes it']),
    ...(nonFinite > 0 ? [`NaN or infinite values: ${nonFinite}`] : []),
  ];
  return { json, text: `${lines.join('\n')}\n`, allFinite: nonFinite === 0 };
}

/** Most entries of a container that an outline lists, and its deepest level. */
const mostEntries = 12;
const deepest = 3;

/** The structure of a value, one line per entry. */
function outline(value: unknown, depth: number): string[] {
  const indent = '  '.repeat(depth);
  if (isArray(value)) return [`${indent}${value.dtype} (${value.shape.join(', ')})`];
  const entries: [string, unknown][] | undefined =
    value instanceof Map
      ? [...value].slice(0, mostEntries).map(([key, item]) => [String(key), item])
      : Array.isArray(value)
        ? Array.from(value as Iterable<unknown>)
            .slice(0, mostEntries)
            .map((item, i) => [`${i}`, item])
        : undefined;
  if (entries === undefined) return [`${indent}${typeof value}: ${String(value).slice(0, 60)}`];
  const size = value instanceof Map ? value.size : Array.from(value as Iterable<unknown>).length;
  const head = `${indent}${value instanceof Map ? 'dict' : 'list'} of ${size}`;
  if (depth >= deepest) return [head];
  const lines = entries.flatMap(([key, item]) => {
    const [first = '', ...others] = outline(item, depth + 1);
    return [`${indent}  ${key}: ${first.trim()}`, ...others];
  });
  return [head, ...lines, ...(size > entries.length ? [`${indent}  and ${size - entries.length} more`] : [])];
}

function inspectNpz(path: string): DataReport {
  const archive = NpzFile.open(path);
  try {
    return arrayReport(path, 'NumPy arrays', new Map(archive.names.map((name) => [name, archive.read(name)])));
  } finally {
    archive.close();
  }
}

function arrayReport(path: string, words: string, arrays: ReadonlyMap<string, AnyArray>): DataReport {
  const tensors: TensorSummary[] = [...arrays].map(([name, array]) => {
    const { dtype, shape } = array;
    if (dtype === 'object' || dtype === 'str') {
      return {
        path: name,
        dtype: dtype as TensorSummary['dtype'],
        shape,
        min: null,
        max: null,
        mean: null,
        std: null,
        nonFinite: 0,
      };
    }
    return { path: name, dtype, shape, ...statistics(array) };
  });
  const nonFinite = tensors.reduce((sum, tensor) => sum + tensor.nonFinite, 0);
  const values = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const lines = [
    `${path} (${words})`,
    `Values:     ${values.toLocaleString('en-US')} in ${tensors.length} array${tensors.length === 1 ? '' : 's'}`,
    ...(nonFinite > 0 ? [`NaN or infinite values: ${nonFinite}`] : []),
    '',
    ...tensorTable(tensors),
  ];
  return {
    json: { kind: 'arrays', file: path, arrays: tensors },
    text: `${lines.join('\n')}\n`,
    allFinite: nonFinite === 0,
  };
}

const formNames: Readonly<Record<RecordingFile['form'], string>> = {
  wfdb: 'WFDB',
  csv: 'csv',
  npy: 'npy',
  mat: 'CPSC 2018',
  edf: 'EDF',
  muse: 'GE MUSE',
  aecg: 'HL7 aECG',
  dicom: 'DICOM',
};

function inspectRecording(path: string, chosen?: readonly string[]): DataReport {
  const { form } = recordingFile(path);
  const stored = openRecording(path, { kind: 'any' }, { leads: chosen });
  const { file, fs, read } = stored;
  const places = chosen ? findLeads(stored.leads, chosen, file) : stored.leads.map((_, place) => place);
  const leads = places.map((place) => stored.leads[place]);
  const units = places.map((place) => stored.units[place]);
  const signal = read(places);
  const samples = signal.shape[0] ?? 0;
  const tensors: TensorSummary[] = leads.map((lead, k) => ({
    path: lead,
    dtype: 'float64',
    shape: [samples],
    ...statistics(
      ndarray(
        'float64',
        [samples],
        Float64Array.from({ length: samples }, (_, i) => signal.data[i * leads.length + k]),
      ),
    ),
  }));
  const missing = tensors.reduce((sum, { nonFinite }) => sum + nonFinite, 0);
  const stated = [...new Set(units.map((unit) => unit ?? 'unknown'))].join(', ');
  const json = { kind: 'recording', file, form, samples, rate: fs ?? null, units, leads: tensors, missing };
  const lines = [
    `${file} (recording, ${formNames[form]})`,
    `Rate:       ${fs === undefined ? 'not stated: --record-fs HZ' : `${fs} Hz, ${(samples / fs).toFixed(1)} s`}`,
    `Samples:    ${samples}, ${leads.length} lead${leads.length === 1 ? '' : 's'}`,
    `Unit:       ${stated === 'unknown' ? 'not stated: mV is assumed, or --record-units' : stated}`,
    ...(missing > 0 ? [`Missing:    ${missing} values (NaN)`] : []),
    '',
    ...tensorTable(tensors),
  ];
  return { json, text: `${lines.join('\n')}\n`, allFinite: missing === 0, isRecording: true };
}
