import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { takeChallenge17, takeChallenge20, takePtbXl } from '../../../../src/compare/suites/shared/record_selection.ts';
import {
  readChallenge17Data,
  readChallenge20Data,
  readPtbXlData,
} from '../../../../src/port/transplant/datasets/physionet.ts';
import { writeChallenge17, writeChallenge20, writePtbXl } from '../../../../src/synthetic/write_physionet.ts';

const folder = mkdtempSync(join(tmpdir(), 'record-selection-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const size = { seed: 1, records: 14, seconds: 3 };
writeChallenge17(at('17'), size);
writeChallenge20(at('20'), size);
writePtbXl(at('ptb'), { ...size, seconds: 10 });

describe('a selection of records', () => {
  it('takes a collection that is small enough as it is', () => {
    expect(takeChallenge17(at('17'), at('none'), 14)).toBe(at('17'));
    expect(takeChallenge20(at('20'), at('none'), 14)).toBe(at('20'));
    expect(takePtbXl(at('ptb'), at('none'), 14)).toBe(at('ptb'));
    expect(readdirSync(folder)).not.toContain('none');
  });

  it('Challenge 2017: every class, labels as they were', () => {
    const all = readChallenge17Data(at('17')).labels;
    const { records, labels } = readChallenge17Data(takeChallenge17(at('17'), at('some 17'), 6));
    expect(records).toHaveLength(6);
    expect(labels.columns).toEqual(['A', 'N', 'O', '~']);
    const row = ({ index, values, columns }: typeof all, name: string): string => {
      const start = index.indexOf(name) * columns.length;
      return columns[values.data.subarray(start, start + columns.length).indexOf(1)];
    };
    for (const name of labels.index) expect(row(labels, name)).toBe(row(all, name));
  });

  it('Challenge 2020: records spread over the names', () => {
    const { labels } = readChallenge20Data(takeChallenge20(at('20'), at('some 20'), 4));
    expect(labels.index).toEqual(['A0001', 'A0004', 'A0008', 'A0011']);
  });

  it('PTB-XL: rows as they stand, with line breaks in reports, and records at both rates', () => {
    const database = join(at('ptb'), 'ptbxl_database.csv');
    const text = readFileSync(database, 'utf8');
    writeFileSync(database, text.replaceAll('generated recording', '"two, lines\nof ""report"""'));
    const target = takePtbXl(at('ptb'), at('some ptb'), 5);
    const kept = readFileSync(join(target, 'ptbxl_database.csv'), 'utf8');
    expect(readFileSync(database, 'utf8').startsWith(kept.slice(0, kept.indexOf('\n3,')))).toBe(true);
    // The published file has Windows line ends.
    writeFileSync(database, readFileSync(database, 'utf8').replaceAll('\n', '\r\n'));
    takePtbXl(at('ptb'), target, 5);
    for (const fs of ['lr', 'hr'] as const) {
      const { records, labels } = readPtbXlData(target, { fs, removeEmpty: false });
      expect(records).toHaveLength(5);
      expect(labels.index).toEqual([1, 3, 6, 9, 12]);
    }
  });
});
