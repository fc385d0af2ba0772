import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import { afterAll, describe, expect, it } from 'vitest';
import { readReport, writeReport } from '../../../src/compare/report/index.ts';
import { toJson } from '../../../src/compare/report/json.ts';
import { definitions, reportSchema } from '../../../src/compare/report/schema.ts';
import { InputError } from '../../../src/errors.ts';
import { closeRow, comparisonOf, exactRow, observations, passedRows } from './example.ts';

const folder = mkdtempSync(join(tmpdir(), 'report-json-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'report.json');

const unfinished = { suite: 'resume', case: 'kill', because: 'no seed' } as const;
const whole = comparisonOf({
  rows: [
    ...passedRows,
    closeRow('activations', 'lost', { passed: false, values: 0, difference: Number.POSITIVE_INFINITY, note: 'shape' }),
  ],
  notRunnable: [unfinished],
  broken: [unfinished],
  observations,
  seconds: { sampling: 1.5 },
});

/** The message with which a changed report is refused. */
function refusal(change: (report: Record<string, never>) => void): string {
  const report = JSON.parse(toJson(whole));
  change(report);
  writeFileSync(file, JSON.stringify(report));
  try {
    readReport(file);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message;
  }
  return 'accepted';
}

describe('report.json', () => {
  it('reads back to the same comparison', () => {
    writeFileSync(file, toJson(whole));
    const read = readReport(file);
    // The one NaN of the example stands in a table, where it is text.
    const table = {
      ...observations.at(-1)!,
      rows: [
        ['random', 0.7312345, 0.7298],
        ['pretrained', 0.781, 'NaN'],
      ],
    };
    const expected = { ...whole, findings: { ...whole.findings, observations: [...observations.slice(0, -1), table] } };
    expect(read).toEqual(expected);
  });

  it('keeps gaps in curves, strips and layers apart from numbers', () => {
    const series = [{ name: '', side: 'port', x: [1, 2], y: [Number.NaN, 0.5] }] as const;
    const gaps = [
      { suite: 'training', kind: 'curves', title: 't', x: 'x', y: 'y', series },
      {
        suite: 'activations',
        kind: 'layers',
        title: 't',
        limit: 1,
        layers: [{ name: 'a', difference: Number.POSITIVE_INFINITY }],
      },
    ] as const;
    const given = comparisonOf({ rows: passedRows, observations: gaps });
    writeFileSync(file, toJson(given));
    expect(readReport(file)).toEqual(given);
  });

  it('makes the same files again', async () => {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    await writeReport(first, whole);
    await writeReport(second, readReport(join(first, 'report.json')));
    for (const name of ['report.json', 'report.md', 'report.html', 'junit.xml']) {
      expect(readFileSync(join(second, name), 'utf8')).toBe(readFileSync(join(first, name), 'utf8'));
    }
  });

  it.each<[string, (report: never) => void, RegExp]>([
    [
      'another schema',
      (report: { schema: number }) => {
        report.schema = 1;
      },
      /, schema: .*; got 1; expected 2/,
    ],
    [
      'a field that is missing',
      (report: { seed?: number }) => {
        delete report.seed;
      },
      /, seed: .*; got nothing; expected this field/,
    ],
    [
      'a wrong type',
      (report: { rows: { values: unknown }[] }) => {
        report.rows[2].values = '12';
      },
      /, rows\[2\]\.values: .*; got "12"; expected a number/,
    ],
    [
      'an unknown rung',
      (report: { rows: { rung: string }[] }) => {
        report.rows[0].rung = 'hope';
      },
      /, rows\[0\]\.rung: .*expected "bits" or "same graph"/,
    ],
    [
      'an unknown picture',
      (report: { observations: { kind: string }[] }) => {
        report.observations[0].kind = 'pie';
      },
      /, observations\[0\]\.kind: .*got "pie"; expected "curves"/,
    ],
    [
      'a list that is none',
      (report: { broken: unknown }) => {
        report.broken = {};
      },
      /, broken: .*got an object; expected an array/,
    ],
    [
      'a negative count',
      (report: { rows: { values: number }[] }) => {
        report.rows[0].values = -1;
      },
      /got -1; expected at least 0/,
    ],
    [
      'a row that passed beyond its limit',
      (report: { rows: { difference: number }[] }) => {
        report.rows[2].difference = 1;
      },
      /rows\[2\]: a row claims to have passed/,
    ],
    [
      'a row that passed without a value',
      (report: { rows: { values: number }[] }) => {
        report.rows[0].values = 0;
      },
      /rows\[0\]: a row claims to have passed/,
    ],
    [
      'a row that passed and could not be compared',
      (report: { rows: { passed: boolean }[] }) => {
        report.rows[5].passed = true;
      },
      /rows\[5\]: a row claims to have passed/,
    ],
    [
      'a verdict that is not that of its rows',
      (report: { verdict: { status: string } }) => {
        report.verdict.status = 'PASSED';
      },
      /verdict\.status: .*got PASSED; expected FAILED/,
    ],
  ])('is refused with %s', (_title, change, expected) => {
    expect(refusal(change as (report: Record<string, never>) => void)).toMatch(expected);
  });

  it('is refused where it is no JSON, and the file is named', () => {
    writeFileSync(file, '{"schema": 2,');
    expect(() => readReport(file)).toThrow(new RegExp(`${file}.*not JSON`));
  });

  it('is refused where there is none, with the command that makes it', () => {
    expect(() => readReport(`${file}.none`)).toThrow(
      new RegExp(`${file}.none.*the report is missing.*npm run compare`),
    );
  });

  it('may hold fields of a later version', () => {
    expect(refusal((report) => Object.assign(report, { later: 1 }))).toBe('accepted');
  });
});

describe('the schema', () => {
  const schemaFile = join(import.meta.dirname, '../../../src/compare/report/report.schema.json');
  const schema = JSON.parse(readFileSync(schemaFile, 'utf8'));

  it('names every field that a report has', () => {
    const report = JSON.parse(toJson(whole));
    expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(report).sort());
    const rows = new Set(
      [...whole.findings.rows, exactRow('files', 'n', { note: '', first: { what: '', agreeing: [] } })].flatMap((row) =>
        Object.keys(row),
      ),
    );
    expect(Object.keys(schema.$defs.row.properties).sort()).toEqual([...rows].sort());
    const { sides, witness } = schema.properties;
    expect(Object.keys(witness.properties).sort()).toEqual(Object.keys(whole.witness).sort());
    for (const [name, side] of Object.entries(whole.sides)) {
      expect(Object.keys(sides.properties[name].properties).sort()).toEqual(Object.keys(side).sort());
    }
    for (const { kind, ...fields } of observations) {
      expect(Object.keys(schema.$defs[kind].properties)).toEqual(expect.arrayContaining(Object.keys(fields)));
    }
  });

  it('is the one that reports are checked with, written as JSON Schema', async () => {
    // Where a pipe has a check before its schema, the schema alone is written.
    const options = { target: 'draft-2020-12', errorMode: 'ignore', definitions } as const;
    const text = `${JSON.stringify(toJsonSchema(reportSchema, options), null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(schemaFile);
  });
});
