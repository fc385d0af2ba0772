import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyOf, type Step, StepMarks } from '../../src/reproduce/step.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg-steps-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function step(changes: Partial<Step> = {}): Step {
  return {
    stage: 'data',
    name: 'records of physionet',
    task: { id: 'data-records-physionet', kind: 'data' },
    settings: { seed: 1, fs: 250 },
    needs: [],
    seconds: 1,
    outputs: [join(folder, 'output')],
    run: () => {},
    ...changes,
  };
}

const marks = (): StepMarks => new StepMarks(join(folder, 'steps'));

function make(one: Step): void {
  marks().begin(one);
  for (const output of one.outputs) writeFileSync(output, '');
  marks().finish(one, 2.5);
}

describe('keyOf', () => {
  it('does not depend on the order of settings, or on what a step costs', () => {
    expect(keyOf(step({ settings: { fs: 250, seed: 1 }, seconds: 9 }))).toBe(keyOf(step()));
  });

  it.each([
    [{ settings: { seed: 2, fs: 250 } }],
    [{ settings: { seed: 1, fs: 250, more: null } }],
    [{ name: 'records of ptbxl' }],
    [{ stage: 'original' as const }],
    [{ needs: [step({ name: 'before' })] }],
  ])('depends on %j', (change) => {
    expect(keyOf(step(change))).not.toBe(keyOf(step()));
  });

  it('depends on the settings of every step before it', () => {
    const far = (seed: number): Step => step({ needs: [step({ needs: [step({ settings: { seed } })] })] });
    expect(keyOf(far(1))).not.toBe(keyOf(far(2)));
  });
});

describe('StepMarks', () => {
  it('knows a finished step, and how long it took', () => {
    expect(marks().state(step())).toBe('open');
    make(step());
    expect(marks().state(step())).toBe('done');
    expect(marks().seconds(step())).toBe(2.5);
  });

  it('opens a step whose settings have changed or whose result is gone', () => {
    make(step());
    expect(marks().state(step({ settings: { seed: 2 } }))).toBe('open');
    rmSync(join(folder, 'output'));
    expect(marks().state(step())).toBe('open');
  });

  it('keeps what a step that was cut off has left, and removes what other settings left', () => {
    marks().begin(step());
    writeFileSync(join(folder, 'output'), 'half');
    expect(marks().state(step())).toBe('begun');
    marks().begin(step());
    expect(existsSync(join(folder, 'output'))).toBe(true);
    marks().begin(step({ settings: { seed: 2 } }));
    expect(existsSync(join(folder, 'output'))).toBe(false);
  });

  it('takes a damaged mark for none', () => {
    make(step());
    writeFileSync(join(folder, 'steps', 'data.records-of-physionet.json'), '{"key":');
    expect(marks().state(step())).toBe('open');
  });

  it('does not finish a step that wrote nothing', () => {
    marks().begin(step());
    expect(() => marks().finish(step(), 1)).toThrow(`did not write ${join(folder, 'output')}`);
  });

  it('opens a finished step whose result is worth another try', () => {
    make(step());
    expect(marks().state(step({ retry: () => true }))).toBe('open');
    expect(marks().state(step({ retry: () => false }))).toBe('done');
  });
});
