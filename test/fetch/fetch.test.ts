import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../src/events.ts';
import { type DataSet, dataSets, publisher } from '../../src/fetch/data_sets.ts';
import { type FetchOptions, fetchData, type Plan } from '../../src/fetch/fetch.ts';
import { HttpClient } from '../../src/fetch/http.ts';
import { readHeader } from '../../src/lib/wfdb/header.ts';
import { listChallenge17Data } from '../../src/port/transplant/datasets/physionet/listing.ts';
import { findPatients } from '../../src/prepare/icentia11k/convert.ts';
import { python } from '../shared_data.ts';
import { sha256, startServer, type TestServer } from './server.ts';

const folder = mkdtempSync(join(tmpdir(), 'fetch-'));
let server: TestServer;
let client: HttpClient;
let target: string;
let count = 0;
let events: ProgressEvent[];

beforeEach(async () => {
  server = await startServer();
  client = new HttpClient();
  target = join(folder, String(count++));
  events = [];
});

afterEach(async () => {
  client.close();
  await server.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const setNamed = (name: string): DataSet => dataSets.find((set) => set.name === name)!;

/** Publishes files of a data set with their list of checksums. */
function publish(name: string, files: Readonly<Record<string, Buffer | string>>): void {
  const { address } = setNamed(name);
  for (const [path, content] of Object.entries(files)) server.publish(address + path, content);
  // As PhysioNet writes it, and as sha256sum does.
  const lines = Object.entries(files).map(
    ([path, content], i) => `${sha256(content)}${[' ', '  ', ' *'][i % 3]}${path}\n`,
  );
  server.publish(`${address}SHA256SUMS.txt`, lines.join(''));
}

function fetchSet(name: string, options: Partial<FetchOptions> = {}): Promise<boolean> {
  return fetchData({
    sets: [setNamed(name)],
    target,
    client,
    mirror: server.address,
    patience: { attempts: 2, backOff: 1 },
    report: (event) => events.push(event),
    ...options,
  });
}

const asked = (): string[] => server.requests.map(({ path }) => path.split('/').at(-1)!);
const read = (...path: string[]): string => readFileSync(join(target, ...path), 'utf8');
const texts = (kind: 'message' | 'warning'): string[] =>
  events.flatMap((event) => (event.kind === kind ? [event.text] : []));

const patients = {
  'LICENSE.txt': 'licence',
  RECORDS: 'not needed',
  ...Object.fromEntries(
    [0, 1, 10_999].flatMap((patient) => {
      const id = `p${String(patient).padStart(5, '0')}`;
      return ['hea', 'dat', 'atr'].map((end) => [`${id.slice(0, 3)}/${id}/${id}_s00.${end}`, `${id} ${end}`]);
    }),
  ),
};

describe('the table of data sets', () => {
  it('lists addresses below one publisher, each with its licence and page', () => {
    expect(dataSets.map(({ name }) => name)).toEqual(['icentia11k', 'cinc2017', 'cpsc2018', 'ptbxl']);
    expect(publisher).toMatch(/^https:/);
    for (const { address, page, licence, files } of dataSets) {
      expect(new URL(address, publisher).href).toBe(publisher + address);
      expect(address).toMatch(/^[-\w.]+\/\d+\.\d+(\.\d+)?\/$/);
      for (const link of [page, licence.address]) expect(link).toMatch(/^https:/);
      // Anchored at both ends, a rule cannot let a path of a hostile list through.
      for (const { path } of files) expect(path.source).toMatch(/^\^.*\$$/);
    }
  });
});

describe('fetchData', () => {
  it('a part of Icentia11k by patients, in the form that convert-icentia reads', async () => {
    publish('icentia11k', patients);
    expect(await fetchSet('icentia11k', { patients: [0, 10_999] })).toBe(true);
    expect(read('icentia11k', 'p00', 'p00000', 'p00000_s00.dat')).toBe('p00000 dat');
    expect(read('icentia11k', 'p10', 'p10999', 'p10999_s00.atr')).toBe('p10999 atr');
    expect(findPatients(join(target, 'icentia11k'))).toEqual([0, 10_999]);
    expect(asked().filter((name) => name === 'RECORDS' || name.startsWith('p00001'))).toEqual([]);
    expect(server.requests.length).toBe(2 + 6);
  });

  it('a second run does nothing, further patients are added', async () => {
    publish('icentia11k', patients);
    await fetchSet('icentia11k', { patients: [0] });
    server.requests.length = 0;
    const confirm = async (): Promise<boolean> => {
      throw new Error('there is nothing to ask');
    };
    await fetchSet('icentia11k', { patients: [0], confirm });
    expect(server.requests).toEqual([]);
    await fetchSet('icentia11k', { patients: [0, 1] });
    expect(asked().sort()).toEqual(['p00001_s00.atr', 'p00001_s00.dat', 'p00001_s00.hea']);
  });

  it('a patient that is not published', async () => {
    publish('icentia11k', patients);
    await expect(fetchSet('icentia11k', { patients: [0, 7] })).rejects.toThrow(/no such patient; got 7/);
  });

  it('patients of a set that is not ordered by patient', async () => {
    publish('ptbxl', {});
    await expect(fetchSet('ptbxl', { patients: [1] })).rejects.toThrow(
      /none of the chosen data sets .*; got ptbxl; .*--patients/,
    );
    expect(server.requests).toEqual([]);
  });

  it('says what it is about to do, and does nothing without consent', async () => {
    publish('icentia11k', patients);
    let plans: readonly Plan[] = [];
    const confirm: FetchOptions['confirm'] = async (asked) => {
      plans = asked;
      return false;
    };
    expect(await fetchSet('icentia11k', { patients: [1], confirm })).toBe(false);
    expect(plans.map(({ files, missing, bytes }) => [files.length, missing.length, bytes])).toEqual([
      [4, 4, 2_097_154 + 45_000 + 100 + 20_000],
    ]);
    expect(asked()).toEqual(['SHA256SUMS.txt']);
  });

  it('files that are here by other means: right ones stay, others are refused without --force', async () => {
    publish('icentia11k', patients);
    const path = join(target, 'icentia11k', 'p00', 'p00000', 'p00000_s00.dat');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, 'p00000 dat');
    await fetchSet('icentia11k', { patients: [0] });
    expect(asked()).not.toContain('p00000_s00.dat');

    writeFileSync(path, 'edited');
    await expect(fetchSet('icentia11k', { patients: [0] })).rejects.toThrow(
      /p00000_s00.dat: files exist whose content is not the published one; got 1 with another checksum/,
    );
    expect(readFileSync(path, 'utf8')).toBe('edited');
    await fetchSet('icentia11k', { patients: [0], force: true });
    expect(readFileSync(path, 'utf8')).toBe('p00000 dat');
  });

  it('a file that was touched is read again, one that was removed is fetched again', async () => {
    publish('icentia11k', patients);
    await fetchSet('icentia11k', { patients: [0] });
    const path = (end: string): string => join(target, 'icentia11k', 'p00', 'p00000', `p00000_s00.${end}`);
    utimesSync(path('dat'), 1, 1);
    rmSync(path('hea'));
    server.requests.length = 0;
    await fetchSet('icentia11k', { patients: [0] });
    expect(asked()).toEqual(['p00000_s00.hea']);
    expect(existsSync(path('hea'))).toBe(true);
  });

  it('one bad file does not keep the others away', async () => {
    publish('icentia11k', patients);
    server.publish(`${setNamed('icentia11k').address}p00/p00000/p00000_s00.dat`, 'something else');
    const fetching = fetchSet('icentia11k', { patients: [0, 1], connections: 1 });
    await expect(fetching).rejects.toThrow(
      /1 files could not be downloaded; the others are complete; got .*p00000_s00.dat/,
    );
    expect(texts('warning')).toEqual([expect.stringMatching(/not the published one/)]);
    expect(read('icentia11k', 'p00', 'p00001', 'p00001_s00.dat')).toBe('p00001 dat');
    publish('icentia11k', patients);
    server.requests.length = 0;
    await fetchSet('icentia11k', { patients: [0, 1] });
    expect(asked()).toEqual(['p00000_s00.dat']);
  });

  it('a server that fails for long ends the run at once, and what is there stays', async () => {
    publish('icentia11k', patients);
    server.fault = ({ url }, response) => url!.includes('p00001') && Boolean(response.writeHead(503).end());
    const fetching = fetchSet('icentia11k', { patients: [0, 1], connections: 1 });
    await expect(fetching).rejects.toThrow(/answered 503; gave up after 2 attempts/);
    server.fault = undefined;
    server.requests.length = 0;
    await fetchSet('icentia11k', { patients: [0, 1] });
    expect(asked().every((name) => name.startsWith('p00001'))).toBe(true);
  });

  it('too little room', async () => {
    publish('icentia11k', patients);
    mkdirSync(target);
    const { bavail, bsize } = statfsSync(target);
    const set = setNamed('icentia11k');
    const huge: DataSet = { ...set, files: set.files.map((rule) => ({ ...rule, bytes: bavail * bsize })) };
    await expect(fetchData({ sets: [huge], target, client, mirror: server.address })).rejects.toThrow(
      /not enough space on the disk; got .* GB free; expected about .* GB. Free some space/,
    );
    expect(asked()).toEqual(['SHA256SUMS.txt']);
  });

  it.each([
    ['a line without end', 'x'.repeat(1_000_000), /line 1: the line is too long; expected at most 4096 bytes/],
    ['no list', '<html>not a list</html>', /line 1: not a list of checksums; got "<html>/],
    ['a list of something else', `${'0'.repeat(64)}  other.txt\n`, /does not list files that belong to the data set/],
    [
      'paths that lead elsewhere',
      `${'0'.repeat(64)}  ../../p00/p00000/p00000_s00.dat\n`,
      /does not list files that belong/,
    ],
  ])('%s', async (_, list, message) => {
    server.publish(`${setNamed('icentia11k').address}SHA256SUMS.txt`, list);
    await expect(fetchSet('icentia11k')).rejects.toThrow(message);
  });

  it('more files than the data set can have', async () => {
    const set = { ...setNamed('icentia11k'), about: { files: 1, listBytes: 1000 } };
    publish('icentia11k', patients);
    await expect(fetchData({ sets: [set], target, client, mirror: server.address })).rejects.toThrow(
      /lists more files than the data set can hold; expected at most 4/,
    );
  });

  it('two runs in one folder at once', async () => {
    publish('icentia11k', patients);
    let second: Promise<boolean> | undefined;
    const confirm = async (): Promise<boolean> => {
      second = fetchSet('icentia11k');
      await expect(second).rejects.toThrow(/another process fetches into this folder/);
      return false;
    };
    await fetchSet('icentia11k', { confirm });
    expect(second).toBeDefined();
  });

  it('CPSC 2018 lies in groups, and arrives in one folder', async () => {
    publish('cpsc2018', {
      'training/cpsc_2018/g1/A0001.hea': 'a',
      'training/cpsc_2018/g1/A0001.mat': 'b',
      'training/cpsc_2018/g7/A6877.hea': 'c',
      'training/cpsc_2018/g7/A6877.mat': 'd',
      'training/cpsc_2018_extra/g1/Q0001.mat': 'e',
    });
    await fetchSet('cpsc2018');
    const names = readdirSync(join(target, 'challenge2020', 'cpsc2018')).filter((name) => !name.startsWith('.'));
    expect(names).toEqual(['A0001.hea', 'A0001.mat', 'A6877.hea', 'A6877.mat']);
    const clash = { ...setNamed('cpsc2018'), folder: 'clash' };
    server.publish(
      `${clash.address}SHA256SUMS.txt`,
      ['g1/A0001.mat', 'g2/A0001.mat', 'g1/A0001.hea']
        .map((path) => `${sha256('')}  training/cpsc_2018/${path}\n`)
        .join(''),
    );
    await expect(fetchData({ sets: [clash], target, client, mirror: server.address })).rejects.toThrow(
      /two files would get the same name; got A0001.mat/,
    );
  });

  it('PTB-XL: tables and the recordings at 500 Hz', async () => {
    publish('ptbxl', {
      'ptbxl_database.csv': 'd',
      'scp_statements.csv': 's',
      'records100/00000/00001_lr.dat': 'x',
      'records500/00000/00001_hr.dat': 'y',
      'records500/00000/00001_hr.hea': 'z',
    });
    await fetchSet('ptbxl');
    expect(read('ptbxl', 'records500', '00000', '00001_hr.dat')).toBe('y');
    expect(existsSync(join(target, 'ptbxl', 'records100'))).toBe(false);
  });
});

describe('Challenge 2017', () => {
  const zipped = (files: Readonly<Record<string, string>>): Buffer => {
    const file = join(folder, 'training2017.zip');
    const program = `import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for name, body in json.loads(sys.argv[2]).items():
        archive.writestr("training2017/" + name, body)`;
    execFileSync(python, ['-c', program, file, JSON.stringify(files)]);
    return readFileSync(file);
  };
  const signal = 'A00001.mat 16+24 1000/mV 16 0 -127 0 0 ECG \n';
  const files = {
    RECORDS: 'A00001\nA00002\n',
    'REFERENCE.csv': 'A00001,N\nA00002,A\n',
    'A00001.hea': `A00001 1 300 9000 2014-05-01 05:05:15 \n${signal}`,
    'A00001.mat': 'samples',
    'A00002.hea': `A00002 1 300 9000 05:05:15 1/05/2014\r\n${signal}`,
    'A00002.mat': 'samples',
  };
  /** As many labels of each class as version 2 has. */
  const version2 = Object.entries({ N: 5050, A: 738, O: 2456, '~': 284 })
    .flatMap(([label, times]) => Array.from({ length: times }, () => label))
    .map((label, i) => `A${String(i + 1).padStart(5, '0')},${label}\n`)
    .join('');

  it('is unpacked, gets version 2 of the labels and headers that WFDB knows', async () => {
    publish('cinc2017', { 'training2017.zip': zipped(files), 'REFERENCE-v2.csv': version2, 'REFERENCE-v3.csv': '' });
    await fetchSet('cinc2017');
    expect(read('cinc2017', 'A00001.hea')).toBe(`A00001 1 300 9000\n${signal}`);
    expect(read('cinc2017', 'A00002.hea')).toBe(files['A00002.hea']);
    expect(readHeader(join(target, 'cinc2017', 'A00001')).signalLength).toBe(9000);
    expect(listChallenge17Data(join(target, 'cinc2017')).labels.index).toEqual(['A00001', 'A00002']);
    expect(texts('message').join('\n')).toMatch(
      /date and time taken out of 1 headers.*\n.*6 files unpacked, labels v2/,
    );
    expect(texts('warning')).toEqual([]);

    // Afterwards nothing is touched any more.
    server.requests.length = 0;
    writeFileSync(join(target, 'cinc2017', 'REFERENCE.csv'), 'mine');
    await fetchSet('cinc2017');
    expect(server.requests).toEqual([]);
    expect(read('cinc2017', 'REFERENCE.csv')).toBe('mine');
  });

  it('warns where the labels are another version', async () => {
    publish('cinc2017', { 'training2017.zip': zipped(files) });
    await fetchSet('cinc2017');
    expect(texts('warning')).toEqual([expect.stringMatching(/REFERENCE.csv is of no known version/)]);
  });

  it.each(['training2017.zip', 'Training2017.ZIP', 'license.txt', 'REFERENCE-V2.csv', 'training2017.zip/x'])(
    'refuses an archive that would replace what was fetched: %s',
    async (name) => {
      publish('cinc2017', {
        'LICENSE.txt': 'licence',
        'REFERENCE-v2.csv': version2,
        'training2017.zip': zipped({ ...files, [name]: 'x' }),
      });
      await expect(fetchSet('cinc2017')).rejects.toThrow(/refused: (a name that fetch-data uses itself|a file is)/);
      expect(read('cinc2017', 'LICENSE.txt')).toBe('licence');
    },
  );

  it('keeps its own memory where no archive reaches it', async () => {
    const hostile = Object.fromEntries(
      ['.fetch/verified', '.fetch/job.lock', '.fetch/cinc2017/verified'].map((name) => [name, 'x']),
    );
    publish('cinc2017', { 'training2017.zip': zipped({ ...files, ...hostile }) });
    await fetchSet('cinc2017');
    expect(read('.fetch', 'cinc2017', 'verified')).toMatch(/training2017\.zip/);
    expect(existsSync(join(target, '.fetch', 'cinc2017', 'job.lock'))).toBe(false);
  });

  it('refuses an archive of something else, and unpacks the right one later', async () => {
    publish('cinc2017', { 'training2017.zip': zipped({ 'A00001.mat': 'x' }) });
    await expect(fetchSet('cinc2017')).rejects.toThrow(/not the training set; expected RECORDS/);
    publish('cinc2017', { 'training2017.zip': zipped(files) });
    rmSync(join(target, '.fetch', 'cinc2017'), { recursive: true });
    await fetchSet('cinc2017', { force: true });
    expect(existsSync(join(target, 'cinc2017', 'RECORDS'))).toBe(true);
  });
});
