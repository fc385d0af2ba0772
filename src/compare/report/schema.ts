import {
  array,
  boolean,
  description,
  type GenericSchema,
  integer,
  literal,
  minValue,
  nullable,
  number,
  object,
  optional,
  picklist,
  pipe,
  string,
  title,
  union,
  variant,
} from 'valibot';
import { amount, mapOf } from '../../lib/json/fields.ts';
import { rungNames } from '../closeness.ts';

/**
 * The one description of `report.json`. `report.schema.json`, for readers in other languages, is made from it by
 * `npx vitest run test/compare/report/json.test.ts --update`. JSON has no NaN and no infinities: a nullable number has null in their place.
 */
const said = <S extends GenericSchema>(schema: S, text: string) => pipe(schema, description(text));
const texts = array(string());
const numbers = array(nullable(number()));
const natural = pipe(number(), minValue(0));
const whole = pipe(number(), integer());

const worst = said(
  object({
    array: string(),
    index: array(whole),
    port: string(),
    original: string(),
    ulps: optional(said(number(), 'Units in the last place')),
  }),
  'The element that differs most',
);

const row = object({
  suite: string(),
  case: string(),
  name: string(),
  rung: picklist(rungNames),
  passed: boolean(),
  values: said(amount, 'Single values compared'),
  difference: said(
    nullable(natural),
    "Largest difference: for exact rows the number of elements (lines of a text) with different bits, else relative to the original's array; null: could not be compared (shape, dtype, NaN, no values)",
  ),
  limit: said(natural, 'Largest difference with which the row passes; 0 for exact rows'),
  kind: picklist(['exact', 'close']),
  noise: optional(said(natural, 'Measured noise from which the limit follows')),
  reason: optional(said(string(), 'What the noise is')),
  worst: optional(worst),
  first: optional(
    said(
      object({
        what: said(string(), 'A layer by its path, a stage of preparation, or a random draw by its number'),
        agreeing: said(texts, 'What comes before it and agrees'),
        worst: optional(worst),
        port: optional(said(string(), 'Place in the source of the port')),
        original: optional(said(string(), 'Place in the source of the original')),
      }),
      'Where the two sides first differ, for a row that failed, if it could be found',
    ),
  ),
  note: optional(said(string(), 'Why the row failed before any value was compared, or a remark')),
});

const unfinished = object({ suite: string(), case: string(), because: string() });

const series = object({
  name: string(),
  side: picklist(['port', 'original', 'noise']),
  x: numbers,
  y: said(numbers, 'null: not a finite number'),
});

const shown = { suite: string(), title: string() };
const curves = object({
  kind: literal('curves'),
  ...shown,
  x: string(),
  y: string(),
  logarithmic: optional(boolean()),
  series: array(series),
  note: optional(string()),
});
const estimates = object({
  kind: literal('estimates'),
  ...shown,
  headline: optional(said(boolean(), 'Shown at the beginning')),
  x: string(),
  y: string(),
  ticks: said(array(object({ at: number(), label: string() })), 'Places on the horizontal axis, at equal distances'),
  series: array(
    object({
      name: string(),
      x: array(number()),
      y: numbers,
      low: said(numbers, 'Lower ends of the intervals; null: no interval'),
      high: numbers,
    }),
  ),
  note: optional(string()),
});
const layers = object({
  kind: literal('layers'),
  ...shown,
  layers: array(object({ name: string(), difference: said(nullable(number()), 'null: could not be compared') })),
  limit: number(),
});
const confusion = object({
  kind: literal('confusion'),
  ...shown,
  classes: texts,
  port: said(array(array(number())), 'Rows: true class; columns: predicted class'),
  original: array(array(number())),
});
const roc = object({ kind: literal('roc'), ...shown, series: array(series) });
const strip = object({
  kind: literal('strip'),
  ...shown,
  fs: said(number(), 'Hz'),
  leads: array(object({ name: string(), samples: numbers })),
  truth: string(),
  port: string(),
  original: string(),
});
const table = object({
  kind: literal('table'),
  ...shown,
  headline: optional(said(boolean(), 'Shown above the suites')),
  columns: texts,
  rows: array(array(union([string(), number()]))),
  note: optional(string()),
});

const parity = said(mapOf(string(), string()), 'Environment variables of the GPU parity mode that are set');

/** Schemas with a name of their own in `report.schema.json`. */
export const definitions = { row, worst, unfinished, series, curves, estimates, layers, confusion, roc, strip, table };

export const reportSchema = pipe(
  object({
    schema: literal(2),
    title: string(),
    verdict: object({
      status: said(picklist(['PASSED', 'FAILED', 'COULD NOT RUN']), 'Follows from rows, notRunnable and broken'),
      line: said(string(), 'The verdict in one line, with the witness'),
      rows: amount,
      failed: amount,
      values: said(amount, 'Single values compared'),
      notRunnable: amount,
      notApplicable: optional(amount),
      broken: amount,
    }),
    witness: said(
      object({
        kind: picklist(['upstream', 'checkout', 'reimplementation']),
        title: string(),
        digest: said(string(), "SHA-256 over the paths and contents of the three packages' Python files"),
        folder: string(),
        keras: picklist(['keras 3', 'tf_keras']),
      }),
      'What the port was compared with',
    ),
    shims: said(texts, 'What had to be changed from outside so that this original runs'),
    rows: said(array(row), 'In the order of the run'),
    notRunnable: said(
      array(unfinished),
      'Cases that this original or this machine cannot run: neither passed nor failed',
    ),
    // Reports made before this outcome existed do not have it.
    notApplicable: optional(
      said(array(unfinished), 'Cases about something that this original is not meant to have; they do not count'),
    ),
    broken: said(array(unfinished), 'Cases that broke off: neither passed nor failed'),
    observations: said(
      array(variant('kind', [curves, estimates, layers, confusion, roc, strip, table])),
      'Shown beside the rows, never part of the verdict',
    ),
    secondsBySuite: mapOf(string(), natural),
    sides: object({
      hardware: object({
        platform: string(),
        processor: string(),
        cpuFeatures: texts,
        cpus: whole,
        memoryTotal: said(number(), 'Bytes'),
      }),
      port: object({
        node: string(),
        tensorflow: string(),
        library: texts,
        gpu: boolean(),
        threads: nullable(string()),
        parity,
      }),
      original: object({
        python: string(),
        tensorflow: string(),
        keras: string(),
        numpy: string(),
        pandas: string(),
        sklearn: string(),
        wfdb: string(),
        samplerate: string(),
        library: texts,
        onednn: boolean(),
        gpus: texts,
        parity,
      }),
    }),
    data: object({ kind: picklist(['real', 'generated']), names: texts }),
    seed: whole,
    begun: said(string(), 'ISO 8601'),
    seconds: natural,
    command: said(string(), 'Repeats the comparison'),
    settings: said(texts, 'Words of the command line that do not choose cases'),
  }),
  title('report.json of npm run compare'),
  description(
    'Fields are added, never renamed or removed, as long as `schema` has the same value. JSON has no infinity and no NaN: null stands for them where a field says so.',
  ),
);
