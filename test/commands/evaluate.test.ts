import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { dataSetToPickle } from '../../src/port/finetuning/datasets/data_set.ts';
import { savePkl } from '../../src/port/transplant/utils.ts';
import { writePredictions } from '../evaluate/predictions.ts';
import { smallSet, temporaryFolder } from '../port/training_data.ts';
import { runPython } from '../python.ts';
import { root } from '../shared_data.ts';
import { callInProcess } from './in_process.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

const command = (...args: string[]) => callInProcess(['evaluate', ...args]);

interface Scored {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}
interface Written {
  readonly predictions: readonly {
    readonly name: string;
    readonly bootstrap: { readonly drawn: string; readonly resamples: number };
    readonly accuracy: Scored;
    readonly macroF1: Scored;
    readonly confusion: number[][] | null;
    readonly classes: readonly (Record<'precision' | 'recall' | 'f1' | 'auc' | 'averagePrecision', Scored> & {
      readonly words: string | null;
      readonly records: number;
      readonly calibrationError: number;
    })[];
    readonly wrong: { readonly count: number; readonly records: readonly { record: string; sureness: number }[] };
    readonly minusFirst?: { readonly macroF1: Scored };
  }[];
}
const read = (file: string): Written => JSON.parse(readFileSync(file, 'utf8')) as Written;

let [single, several, poor] = ['', '', ''];
beforeAll(() => {
  single = writePredictions(folder, 'single.csv');
  several = writePredictions(folder, 'several.csv', { multiLabel: true });
  poor = writePredictions(folder, 'poor.csv', { noise: 0.95, seed: 2 });
});

const fast = ['--resamples', '60'] as const;

describe('ecg-transplant evaluate', () => {
  it('scores as scikit-learn does, with one label and with several', async () => {
    const expected = JSON.parse(await runPython([join(root, 'test/evaluate/reference.py'), single, several])) as Record<
      string,
      number[]
    >[];
    for (const [i, file] of [single, several].entries()) {
      const json = at(`scores${i}.json`);
      expect(await command(file, ...fast, '--report', at(`page${i}.html`), '--json', json)).toMatchObject({ code: 0 });
      const [found] = read(json).predictions;
      for (const key of ['precision', 'recall', 'f1', 'auc', 'averagePrecision'] as const) {
        expect(found.classes.map((one) => one[key].value)).toEqual(expected[i][key]);
        for (const { [key]: interval } of found.classes) {
          expect(interval.low).toBeLessThanOrEqual(interval.value);
          expect(interval.high).toBeGreaterThanOrEqual(interval.value);
        }
      }
      expect(found.classes.map(({ records }) => records)).toEqual(expected[i].records);
      found.classes.forEach(({ calibrationError }, k) => {
        expect(calibrationError).toBeCloseTo(expected[i].calibrationError[k], 12);
      });
      expect(found.accuracy.value).toBeCloseTo(Number(expected[i].accuracy), 12);
      expect(found.macroF1.value).toBeCloseTo(Number(expected[i].macroF1), 12);
      expect(found.confusion).toEqual(expected[i].confusion);
    }
  });

  it('prints the table of the classes with their words, and how classes are decided', async () => {
    const { output } = await command(single, ...fast, '--report', at('table.html'));
    expect(output).toMatch(/class +records +precision +recall +F1 +AUC +average precision\n/);
    expect(output).toMatch(/A \(atrial fibrillation\) +30 +0\.\d{3} \[0\.\d{3}, [01]\.\d{3}\]/);
    expect(output).toContain('The most probable class is predicted.');
    expect(output).toContain('60 bootstrap resamples (records are drawn within each combination of labels; seed 0)');
    expect(output).toContain(`${at('table.html')}: the page with all curves`);
  });

  it('lists the most surely wrong records first', async () => {
    await command(poor, ...fast, '--report', at('wrong.html'), '--json', at('wrong.json'));
    const [{ wrong, accuracy }] = read(at('wrong.json')).predictions;
    expect(wrong.count).toBe(Math.round(120 * (1 - accuracy.value)));
    const surenesses = wrong.records.map(({ sureness }) => sureness);
    expect(surenesses).toEqual([...surenesses].sort((a, b) => b - a));
    expect(surenesses[0]).toBeGreaterThan(0.5);
  });

  it('compares several predictions in pairs, whatever the order of their records and classes', async () => {
    const [head, ...rows] = readFileSync(poor, 'utf8').trimEnd().split('\n');
    writeFileSync(at('shuffled.csv'), `${[head, ...rows.reverse()].join('\n')}\n`);
    for (const [i, other] of [poor, at('shuffled.csv')].entries()) {
      const args = [single, other, ...fast, '--report', at(`pair${i}.html`), '--json', at(`pair${i}.json`)];
      expect((await command(...args)).code).toBe(0);
    }
    const [first, second] = [0, 1].map((i) => read(at(`pair${i}.json`)).predictions);
    const difference = first[1].minusFirst!.macroF1;
    expect(difference.value).toBeCloseTo(first[1].macroF1.value - first[0].macroF1.value, 12);
    expect(difference.high).toBeLessThan(0);
    expect(second[1].minusFirst).toEqual(first[1].minusFirst);
    expect(readFileSync(at('pair0.html'), 'utf8')).toContain('poor minus single');
  });

  it('draws whole patients, and shows signals, if the prepared file is at hand', async () => {
    const set = smallSet({ records: 120, samples: 64 });
    const patientIds = set.recordIds.map((_, i) => `patient ${Math.floor(i / 10)}`);
    await savePkl(at('set.pkl'), dataSetToPickle({ ...set, patientIds }));
    const args = [poor, ...fast, '--data', at('set.pkl'), '--report', at('signals.html'), '--json', at('signals.json')];
    const { output } = await command(...args);
    expect(output).toContain('whole patients are drawn');
    expect(read(at('signals.json')).predictions[0].bootstrap.drawn).toBe('patients');
    expect(readFileSync(at('signals.html'), 'utf8')).toContain('No strips are drawn: no preprocessing.json beside');
  });

  it('takes the test records of a job folder, with the learning curves beside them', async () => {
    mkdirSync(at('af'));
    copyFileSync(single, at('af', 'test_predictions.csv'));
    copyFileSync(poor, at('af', 'train_predictions.csv'));
    writeFileSync(at('af', 'history.csv'), 'epoch,loss,val_loss\n0,1.5,1.7\n1,1.25,1.5\n');
    await command(at('af'), ...fast, '--report', at('job.html'), '--json', at('job.json'));
    expect(read(at('job.json')).predictions[0]).toMatchObject({ name: 'af' });
    expect(readFileSync(at('job.html'), 'utf8')).toContain(
      'loss: loss by epoch. training: 2 points, from 1.5 to 1.25.',
    );
    await command(at('af', 'train_predictions.csv'), ...fast, '--report', at('train.html'));
    expect(readFileSync(at('train.html'), 'utf8')).toContain('The network was trained on these records');
  });

  it.each<[string, () => string[], RegExp]>([
    ['a table without truth', () => [at('no_truth.csv')], /does not have the truth; got no column true_CLASS/],
    ['a table without probabilities', () => [at('no_prob.csv')], /the table has no probabilities/],
    ['a label of 2', () => [at('label.csv')], /record r1, class A: a label is impossible; got 2; expected 0 or 1/],
    ['a folder without predictions', () => [folder], /the folder has no predictions/],
    ['other records', () => [single, at('fewer.csv')], /not of the same records; got 60 records, without A00060/],
    ['other classes', () => [single, several], /have other classes/],
    ['another truth', () => [single, at('truth.csv')], /have another truth/],
    ['a page that exists', () => [single, '--report', at('exists.html')], /Add --force to replace it/],
    [
      'a prepared file of other records',
      () => [single, '--data', at('other.pkl')],
      /does not have a record of the predictions/,
    ],
  ])('refuses %s, and writes nothing', async (_title, args, message) => {
    writeFileSync(at('no_truth.csv'), 'record_name,prob_A,prob_B\nr1,0.5,0.5\n');
    writeFileSync(at('no_prob.csv'), 'record_name,true_A\nr1,1\n');
    writeFileSync(at('label.csv'), 'record_name,true_A,true_B,prob_A,prob_B\nr1,2,0,0.5,0.5\nr2,0,1,0.5,0.5\n');
    writePredictions(folder, 'fewer.csv', { records: 60 });
    writeFileSync(at('truth.csv'), readFileSync(single, 'utf8').replaceAll('True,False', 'False,True'));
    writeFileSync(at('exists.html'), '');
    await savePkl(at('other.pkl'), dataSetToPickle(smallSet({ records: 4 })));
    const given = args();
    const page = given.includes('--report') ? [] : ['--report', at('refused.html')];
    const { code, output } = await command(...given, ...page);
    expect(output).toMatch(message);
    expect(code).toBe(1);
    expect(existsSync(at('refused.html'))).toBe(false);
  });
});
