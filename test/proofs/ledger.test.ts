import { describe, expect, it } from 'vitest';
import { ledgerOf } from './ledger.ts';

const f1 = 'transplant.evaluation.f1';
const symbols = { 'transplant/evaluation.py': [f1] };
const proofs = new Map([[f1, ['[a test](test/a.test.ts)']]]);

describe('ledgerOf', () => {
  it('lists the original, its twin and where it is proved', async () => {
    const { text, faults } = await ledgerOf({ symbols, proofs, reasons: {} });
    expect(faults).toEqual([]);
    expect(text).toContain('## `transplant/evaluation.py` → `src/port/transplant/evaluation.ts`');
    expect(text).toContain('| `f1` | `f1` | [a test](test/a.test.ts) |');
  });

  it('a reason stands for a twin and its proof', async () => {
    const other = { 'transplant/evaluation.py': ['transplant.evaluation.Other'] };
    const { text, faults } = await ledgerOf({ symbols: other, proofs, reasons: { '*.Other': 'type alias' } });
    expect(faults).toEqual([`${f1}: proved, but not a public name of original/`]);
    expect(text).toContain('| `Other` | none | type alias |');
  });

  it.each([
    ['a name that nothing proves', { proofs: new Map() }, `${f1}: no test or suite case declares`],
    ['a name without a twin', { symbols: { 'transplant/utils.py': ['transplant.utils.f9'] } }, 'exports no f9'],
    ['a reason though there is a twin', { proofs: new Map(), reasons: { [f1]: 'none' } }, 'exports f1: prove it'],
    ['a module without a twin', { symbols: { 'a/b.py': ['a.b.c'] } }, 'a.b.c: src/port has no module of this path'],
    ['a proof of what is not public', { proofs: new Map([...proofs, ['a.b', ['here']]]) }, 'a.b: proved, but not'],
    ['a reason that is not needed', { reasons: { [f1]: 'none' } }, `${f1} is not needed any more`],
  ])('%s is a fault', async (_, changed, fault) => {
    const { faults } = await ledgerOf({ symbols, proofs, reasons: {}, ...changed });
    expect(faults).toContainEqual(expect.stringContaining(fault));
  });
});
