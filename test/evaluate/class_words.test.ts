import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { named, statementsFile, wordsOf } from '../../src/evaluate/class_words.ts';
import { haveSharedData, sharedData } from '../shared_data.ts';

describe('words of classes', () => {
  it('are those of SNOMED CT and of Challenge 2017, whose letters mean nothing by themselves', () => {
    expect(named('164889003', wordsOf(['164889003', '1']))).toBe('164889003 (atrial fibrillation)');
    expect([...wordsOf(['A', 'N', 'O', '~']).values()]).toContain('other rhythm');
    expect(wordsOf(['A', 'N']).size).toBe(0);
    expect(named('constructor', wordsOf(['constructor']))).toBe('constructor');
  });

  it('cover the nine classes of CPSC 2018', () => {
    const cpsc = '426783006 164889003 270492004 164909002 59118001 284470004 164884008 429622005 164931005'.split(' ');
    expect([...wordsOf(cpsc).keys()]).toEqual(cpsc);
  });

  it.skipIf(!haveSharedData)('come from the first scp_statements.csv that exists', () => {
    const file = join(sharedData, 'ptbxl', statementsFile);
    const words = wordsOf(['AFIB', 'SR', 'none of them'], [join(sharedData, 'nothing.csv'), file]);
    expect([...words]).toEqual([
      ['AFIB', 'atrial fibrillation'],
      ['SR', 'sinus rhythm'],
    ]);
  });
});
