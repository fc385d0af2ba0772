import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { writeJson } from '../../src/lib/json/file.ts';
import { brokeOff, readFacts, readFindings } from '../../src/reproduce/comparison_steps.ts';
import { type RunDescription, readRunDescription } from '../../src/reproduce/description.ts';
import { RunFolder } from '../../src/reproduce/run_folder.ts';
import { readScores, type SideScores } from '../../src/reproduce/scores.ts';
import type { RunSettings } from '../../src/reproduce/settings.ts';
import { type Step, StepMarks } from '../../src/reproduce/step.ts';
import { observations, passedRows } from '../compare/report/example.ts';
import { brokenTexts, describeJsonFile, type JsonFile, writeText } from '../lib/json/variants.ts';

const folder = new RunFolder(mkdtempSync(join(tmpdir(), 'run-json-files-')));
afterAll(() => rmSync(folder.root, { recursive: true }));

const description: RunDescription = {
  format: 1,
  experiment: 'smoke',
  seed: 1,
  trials: 2,
  precision: 'float32',
  data: 'generated',
  begun: '2026-01-01T00:00:00.000Z',
};
const interval = { value: 0.5, low: 0.4, high: Number.NaN, undefinedResamples: 3 };
const perClass = [{ precision: interval, recall: interval, f1: interval, auc: interval }];
const figures = { accuracy: interval, macroF1: interval, macroAuc: interval, perClass };
const scores: SideScores = {
  trials: [{ job: 'random', trial: 1, seed: 2, records: 10, classes: ['A'], drawn: 'records', scores: figures }],
  contrasts: [{ pretrained: 'beat', random: 'random', trial: 1, classes: ['A'], difference: figures }],
};
const facts = {
  facts: {
    python: '3.11.2',
    tensorflow: '2.16.1',
    keras: '3.3.3',
    numpy: '1.26.4',
    pandas: '2',
    sklearn: '1',
    wfdb: '4',
    samplerate: '0.2',
    library: ['/lib/x.so'],
    onednn: true,
    parity: { TF_DETERMINISTIC_OPS: '1' },
    gpus: ['0'],
  },
  shims: ['a line'],
};
const unfinished = { suite: 'resume', case: 'kill', because: 'no seed' } as const;
const findings = {
  rows: passedRows.map((row) => ({ ...row, case: 'one' })),
  notRunnable: [unfinished],
  notApplicable: [unfinished],
  broken: [],
  observations,
  seconds: { sampling: 1.5 },
};

const files: readonly JsonFile[] = [
  {
    path: folder.description,
    sound: description,
    read: () => readRunDescription(folder),
    refused: [
      ['format', { format: 2 }],
      ['trials', { trials: 0 }],
      ['begun', { begun: 'yesterday' }],
    ],
  },
  {
    path: folder.scores('port'),
    sound: JSON.parse(JSON.stringify(scores, (_, item) => (Number.isNaN(item) ? { $float: 'nan' } : item))) as object,
    read: () => readScores({ folder } as RunSettings, 'port'),
    refused: [['trials[0].trial', { trials: [{ ...scores.trials[0], trial: -1 }] }]],
    free: ['trials[0].scores.', 'contrasts[0].difference.'],
  },
  {
    path: folder.findings('python'),
    sound: facts,
    read: () => readFacts(folder),
    refused: [['shims[0]', { shims: [1] }]],
    optional: ['facts.parity.'],
  },
];

describe.each(files)('$path', (file) => {
  mkdirSync(dirname(file.path), { recursive: true });
  describeJsonFile(file);
});

describe('findings of a comparison', () => {
  const file = folder.findings('suites');
  const refused = (change: object): string => {
    writeJson(file, { ...findings, ...change });
    expect(brokeOff(file)).toBe(true);
    try {
      readFindings(file);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as Error).message;
    }
    return 'read';
  };

  it('are read as they were written, with NaN and infinities', () => {
    const lost = { ...findings.rows[0], passed: false, difference: Number.POSITIVE_INFINITY };
    const written = { ...findings, rows: [...findings.rows, lost] };
    writeJson(file, written);
    expect(readFindings(file)).toEqual(written);
    expect(brokeOff(file)).toBe(false);
  });

  it.each([
    ['rows', { rows: {} }],
    ['rows[0].suite', { rows: [1] }],
    ['rows[0].values', { rows: [{ ...findings.rows[0], values: -1 }] }],
    ['notApplicable', { notApplicable: undefined }],
    ['observations[0].kind', { observations: [null] }],
    ['observations[0].kind', { observations: [{ ...observations[0], kind: 'x' }] }],
    ['observations[0].rows', { observations: [{ suite: 'x', kind: 'table', title: 't', columns: [], rows: 'x' }] }],
    ['observations[0].rows[0]', { observations: [{ suite: 'x', kind: 'table', title: 't', columns: [], rows: [5] }] }],
    ['seconds.x', { seconds: { x: 'long' } }],
  ])('with a wrong %s are refused', (where, change) => {
    const message = refused(change);
    expect(message).toContain(file);
    expect(message).toContain(where.split(/[[.]/)[0]);
    expect(message).toMatch(/--from comparison --force/);
  });

  it.each(brokenTexts)('that are %s are refused, and made again by the next run', (_, text) => {
    writeText(file, text);
    expect(() => readFindings(file)).toThrow(InputError);
    expect(brokeOff(file)).toBe(true);
  });
});

describe('marks of steps', () => {
  const step: Step = {
    stage: 'data',
    name: 'one',
    task: { id: 'data-records-physionet', kind: 'data' },
    settings: null,
    needs: [],
    seconds: 1,
    outputs: [],
    run: () => {},
  };
  it.each(brokenTexts)('a mark that is %s counts as none', (_, text) => {
    const marks = new StepMarks(folder.steps);
    marks.begin(step);
    marks.finish(step, 1.5);
    expect([marks.state(step), marks.seconds(step)]).toEqual(['done', 1.5]);
    writeText(join(folder.steps, 'data.one.json'), text);
    expect([marks.state(step), marks.seconds(step)]).toEqual(['open', undefined]);
  });

  it.each([{ seconds: 'long' }, { seconds: -1 }, { state: 'finished' }, { key: 7 }])('nor one with %o', (change) => {
    const marks = new StepMarks(folder.steps);
    marks.finish(step, 1.5);
    const file = join(folder.steps, 'data.one.json');
    writeFileSync(file, JSON.stringify({ key: 'ab'.repeat(32), state: 'done', seconds: 1, ...change }));
    expect([marks.state(step), marks.seconds(step)]).toEqual(['open', undefined]);
  });
});
