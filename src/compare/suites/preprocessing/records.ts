import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CollectionName, Preparation, PreparedData, ReadRecords } from '../../../bridge/original_data.ts';
import type { NdArray } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import type { WfdbRecord } from '../../../lib/wfdb/record.ts';
import { dataSetFromPickle } from '../../../port/finetuning/datasets/data_set.ts';
import type { DataSet } from '../../../port/finetuning/datasets.ts';
import {
  readChallenge17Data,
  readChallenge20Data,
  readPtbXlData,
} from '../../../port/transplant/datasets/physionet.ts';
import { loadPkl } from '../../../port/transplant/utils.ts';
import { prepareData } from '../../../prepare/prepare_data.ts';
import { twelveLeads } from '../../../recordings/recordings.ts';
import { exactly, type Row, sameText, vector } from '../../closeness.ts';
import { preparedByCommand, withFirstStage } from '../../divergence/stage.ts';
import type { SuiteCase, SuiteContext } from '../../suite.ts';
import { collectionFolder, int64, outcomeOf, shown, wordFor } from '../shared/data_cases.ts';
import { samePreparedData } from '../shared/prepared_data.ts';
import { takeChallenge17 } from '../shared/record_selection.ts';
import { portData } from './port_data.ts';
import { describePreparation, documented, type Recipe, recipes, sourcesOf, variants } from './recipes.ts';

const suite = 'preprocessing';

async function samePreparation(
  context: SuiteContext,
  { collection }: Recipe,
  folder: string,
  options: Preparation,
): Promise<readonly Row[]> {
  const theirs = await outcomeOf(() => context.original.data.prepare(collection, folder, options));
  const ours = await outcomeOf(() => portData(collection, folder, options));
  const name = `${basename(folder)}: ${describePreparation(options)}`;
  if ('value' in ours && 'value' in theirs) {
    if (options === documented) showRecord(context, collection, ours.value, theirs.value);
    return withFirstStage(context, samePreparedData(name, ours.value, theirs.value), options, {
      port: async (stage) => (await portData(collection, folder, stage)).x,
      original: async (stage) => (await context.original.data.prepare(collection, folder, stage)).x,
    });
  }
  return [sameText(suite, `${name}: outcome`, wordFor(ours), wordFor(theirs))];
}

/** Shows the last ten seconds of the first record, of up to three leads. */
function showRecord({ observe }: SuiteContext, collection: CollectionName, ours: DataSet, theirs: PreparedData): void {
  const [, length, leads] = ours.x.shape;
  const labels = ({ y, classes }: Pick<PreparedData, 'y' | 'classes'>): string =>
    classes.filter((_, i) => Number(y.data[i]) !== 0).join(', ');
  observe({
    kind: 'strip',
    title: `Record ${ours.recordIds[0]}, prepared by the documented recipe`,
    fs: documented.fs,
    leads: Array.from({ length: Math.min(leads, 3) }, (_, lead) => ({
      name: collection === 'challenge17' ? 'I' : twelveLeads[lead],
      samples: Array.from({ length: 2500 }, (_unused, i) => shown(ours.x.data[(length - 2500 + i) * leads + lead])),
    })),
    truth: 'as the collection labels it, read by each side',
    port: labels(ours),
    original: labels(theirs),
  });
}

/** The documented recipe; a length that cuts off the beginning of recordings; and for single-lead data padding to the longest recording. */
function recipeCase(recipe: Recipe): SuiteCase {
  const others = [{ pad: 1000 }, ...(recipe.dataSet === 'cinc2017' ? [{ fs: 250, pad: 'max' as const }] : [])];
  return {
    name: `${recipe.title}: the documented recipe`,
    on: { dataSet: recipe.dataSet },
    quick: true,
    run: async (context) => {
      const rows: Row[] = [];
      for (const folder of sourcesOf(context, recipe, 16)) {
        for (const options of [documented, ...others]) {
          rows.push(...(await samePreparation(context, recipe, folder, options)));
        }
      }
      return rows;
    },
  };
}

function variantCase(recipe: Recipe): SuiteCase {
  return {
    name: `${recipe.title}: rates, lengths, normalisation`,
    on: { dataSet: recipe.dataSet },
    run: async (context) => {
      const rows: Row[] = [];
      for (const folder of sourcesOf(context, recipe, 60)) {
        for (const options of [documented, ...variants(recipe), { fs: 250 }, {}]) {
          rows.push(...(await samePreparation(context, recipe, folder, options)));
        }
      }
      return rows;
    },
  };
}

/** The port's command for large collections, with threads, a cache and streamed files. Python reads what it writes. */
function commandCase(recipe: Recipe): SuiteCase {
  return {
    name: `${recipe.title}: files of prepare-data`,
    on: { dataSet: recipe.dataSet },
    run: async (context) => {
      const { original, scratch, seed } = context;
      const [source] = sourcesOf(context, recipe, 40);
      const at = (name: string): string => join(scratch, name);
      const all = await original.data.prepare(recipe.collection, source, documented, at('all.pkl'));
      // A stratified split needs two records of each class, which small multi-label sets never have.
      const testSize = recipe.collection === 'challenge17' && smallestClass(all.y) > 1 ? 0.25 : 0;
      await prepareData({ format: recipe.format, source, target: at('port'), name: 'set', seed, testSize, threads: 2 });
      const split = { testSize, seed, train: at('train.pkl'), test: at('test.pkl') };
      const parts = testSize === 0 ? { all } : await original.data.split(at('all.pkl'), split);
      const rows: Row[] = [];
      for (const [part, theirs] of Object.entries(parts)) {
        const name = part === 'all' ? 'all records' : `${part} part`;
        const file = join(at('port'), part === 'all' ? 'set.pkl' : `set_${part}.pkl`);
        const ours = dataSetFromPickle(await loadPkl(file), file);
        rows.push(...samePreparedData(name, ours, theirs));
        rows.push(...samePreparedData(`${name}, read by Python`, ours, await original.data.load(file)));
      }
      return withFirstStage(context, rows, documented, {
        port: preparedByCommand(recipe.format, source, scratch),
        original: async (stage) => (await original.data.prepare(recipe.collection, source, stage)).x,
      });
    },
  };
}

/** Number of records of the rarest class; `y` is (records, classes). */
function smallestClass({ shape: [, classes], data }: NdArray): number {
  const counts = Array<number>(classes).fill(0);
  for (const [i, value] of data.entries()) counts[i % classes] += Number(value);
  return Math.min(...counts);
}

/** Signals of records, in mV, as both sides read them. */
function sameSignals(name: string, ours: readonly WfdbRecord[], theirs: Pick<ReadRecords, 'signals'>): Row {
  const pairs = ours.map(({ recordName, pSignal }, i) => ({
    name: String(recordName),
    port: pSignal,
    original: theirs.signals[i] ?? int64([]),
  }));
  return exactly(suite, name, pairs);
}

/** Signals and labels before any processing. */
function readerCase(recipe: Recipe): SuiteCase {
  const { title, dataSet, collection } = recipe;
  const settings =
    collection === 'ptb_xl'
      ? ([
          [
            { fs: 'hr', remove_empty: false },
            { fs: 'hr', removeEmpty: false },
          ],
          [
            { fs: 'lr', category: 'form' },
            { fs: 'lr', category: 'form' },
          ],
        ] as const)
      : ([[{}, {}]] as const);
  return {
    name: `${title}: signals and labels as read`,
    on: { dataSet },
    quick: collection !== 'ptb_xl',
    run: async (context) => {
      const rows: Row[] = [];
      for (const folder of sourcesOf(context, recipe, 60)) {
        for (const [options, portOptions] of settings) {
          const theirs = await context.original.data.records(collection, folder, options);
          const { records, labels } = {
            challenge17: () => readChallenge17Data(folder),
            challenge20: () => readChallenge20Data(folder),
            ptb_xl: () => readPtbXlData(folder, portOptions),
          }[collection]();
          const name = [basename(folder), ...Object.values(options)].join(', ');
          const names = records.map(({ recordName }) => recordName);
          const text = (...parts: readonly (readonly (string | number)[])[]): string =>
            parts.map((part) => part.map((one) => JSON.stringify(one)).join('\n')).join('\n\n');
          rows.push(
            sameSignals(`${name}: signals of ${records.length} records`, records, theirs),
            exactly(suite, `${name}: labels`, [{ name: 'y', port: labels.values, original: theirs.values }]),
            sameText(
              suite,
              `${name}: names, rates and classes`,
              text(
                names,
                records.map(({ fs }) => fs),
                labels.index,
                labels.columns,
              ),
              text(theirs.names, theirs.rates, theirs.labels.index, theirs.labels.columns),
            ),
          );
        }
      }
      return rows;
    },
  };
}

/** Lists with empty lines, as editors leave them: pandas skips these. */
const emptyLineCase: SuiteCase = {
  name: 'Challenge 2017: a list with empty lines',
  on: { dataSet: 'cinc2017' },
  quick: true,
  run: async (context) => {
    const folder = join(context.scratch, 'empty_lines');
    const some = takeChallenge17(collectionFolder(context, 'cinc2017'), join(context.scratch, 'some'), 5);
    cpSync(some, folder, { recursive: true });
    const list = join(folder, 'REFERENCE.csv');
    const records = readFileSync(list, 'utf8').trim().split('\n');
    writeFileSync(list, `\n${records.join('\n\n')}\n\n`);
    const theirs = await context.original.data.records('challenge17', folder);
    const { labels } = readChallenge17Data(folder);
    return [
      exactly(suite, `labels of ${records.length} records`, [
        { name: 'y', port: labels.values, original: theirs.values },
      ]),
      sameText(suite, 'names', labels.index.join('\n'), theirs.labels.index.join('\n')),
    ];
  },
};

/** Formats of signals, and the bytes of the value that stands for a missing sample. */
const formats: readonly (readonly [format: string, missing: readonly number[]])[] = [
  ['8', [0]],
  ['16', [0, 128]],
  ['24', [0, 0, 128]],
  ['32', [0, 0, 0, 128]],
  ['61', [128, 0]],
  ['80', [0]],
  ['160', [0, 0]],
  ['212', [0, 136, 0]],
  ['310', [0, 4, 0, 4]],
  ['311', [0, 2, 8, 32]],
];

/** Sampling rates as headers write them. One within 1e-8 of the whole number below it is that number. */
const rates = ['300', '300.5', '300.000000004', '300.00000002', '299.999999996', '300/360', '300/360.5(7)'];

/** Every format of WFDB that the readers know: random bytes, among them samples that are missing. */
const formatCase: SuiteCase = {
  name: 'Challenge 2017: every signal format of WFDB, with missing samples, odd sampling rates, and segments',
  on: {},
  quick: true,
  run: async (context) => {
    const folder = join(context.scratch, 'formats');
    mkdirSync(folder);
    const random = new RandomState([context.seed, 31]);
    const samples = 240;
    const made = [
      ...formats.map(([format, missing]) => ({ name: `F${format}`, format, missing, rate: rates[0] })),
      ...rates.map((rate, i) => ({ name: `R${i}`, format: '16', missing: [0, 128], rate })),
    ];
    for (const { name, format, missing, rate } of made) {
      const bytes = Buffer.from(random.randint(0, 256, 4 * samples).map(Number));
      for (const at of [0, 60, 120]) bytes.set(missing, at);
      writeFileSync(join(folder, `${name}.dat`), bytes);
      writeFileSync(
        join(folder, `${name}.hea`),
        `${name} 1 ${rate} ${samples}\n${name}.dat ${format} 1000/mV 16 0 0 0 0 I\n`,
      );
    }
    // A record of two segments with a gap between them.
    writeFileSync(join(folder, 'L.hea'), 'L 1 300 0\n~ 0 1000/mV 16 0 0 0 0 I\n');
    const segments = ['L 0', `F16 ${samples}`, '~ 100', `F212 ${samples}`];
    writeFileSync(join(folder, 'M.hea'), [`M/4 1 300 ${2 * samples + 100}`, ...segments, ''].join('\n'));
    const list = (more: string): string =>
      [...made.map(({ name }) => name), 'M'].map((name) => `${name}${more}\n`).join('');
    writeFileSync(join(folder, 'RECORDS'), list(''));
    writeFileSync(join(folder, 'REFERENCE.csv'), list(',N'));
    const theirs = await context.original.data.records('challenge17', folder);
    const { records } = readChallenge17Data(folder);
    const ratePairs = records.map(({ recordName, fs }, i) => ({
      name: String(recordName),
      port: vector([fs]),
      original: vector([theirs.rates[i]]),
    }));
    return [
      sameSignals(`signals of ${records.length} records`, records, theirs),
      exactly(suite, 'sampling rates', ratePairs),
    ];
  },
};

/** The original cannot read this edition. SciPy reads it, and the original's steps follow. */
const nativeCase: SuiteCase = {
  name: 'CPSC 2018 as first published: the documented recipe',
  on: { dataSet: 'cpsc2018_native' },
  run: async (context) => {
    const source = collectionFolder(context, 'cpsc2018_native');
    const target = join(context.scratch, 'native');
    await prepareData({
      format: 'cpsc2018',
      source,
      target,
      testSize: 0,
      ...documented,
      normalize: 'collection',
      threads: 1,
    });
    const file = join(target, 'cpsc2018.pkl');
    const ours = dataSetFromPickle(await loadPkl(file), file);
    const files = ours.recordIds.map((name) => join(source, `${name}.mat`));
    const theirs = await context.original.data.cpsc2018(files, documented);
    const row = exactly(suite, `${files.length} recordings`, [{ name: 'x', port: ours.x, original: theirs }]);
    return withFirstStage(context, [row], documented, {
      port: preparedByCommand('cpsc2018', source, context.scratch),
      original: ({ fs = null, pad = null, normalize = false }) =>
        context.original.data.cpsc2018(files, { fs, pad, normalize }),
    });
  },
};

/** Cases of the suite `preprocessing` about collections of PhysioNet. */
export const recordCases: readonly SuiteCase[] = [
  ...recipes.flatMap((recipe) => [readerCase(recipe), recipeCase(recipe), variantCase(recipe), commandCase(recipe)]),
  emptyLineCase,
  formatCase,
  nativeCase,
];
