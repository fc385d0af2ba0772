import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { chosenPrecision } from '../../src/reproduce/auto_precision.ts';
import { describeRun, readRunDescription } from '../../src/reproduce/description.ts';
import { settingsIn } from './run_settings.ts';

const root = mkdtempSync(join(tmpdir(), 'auto-precision-'));
afterAll(() => rmSync(root, { recursive: true }));

it('auto measures when a run begins, and the run keeps its format on another machine', async () => {
  const run = settingsIn(join(root, 'run'));
  const first = await chosenPrecision('auto', run.folder);
  expect(['float32', 'bfloat16']).toContain(first.precision);
  expect(first.measured!.float32).toBeGreaterThan(0);
  // As if the run had begun on a machine with AMX.
  const measured = { float32: 285, bfloat16: 640 };
  describeRun({ ...run, precision: 'bfloat16', measured });
  expect(readRunDescription(run.folder)).toMatchObject({ precision: 'bfloat16', measured });
  expect(await chosenPrecision('auto', run.folder)).toEqual({ precision: 'bfloat16', measured });
  // A named format is not measured, and forgets what was.
  const named = await chosenPrecision('float64', run.folder);
  expect(named).toEqual({ precision: 'float64' });
  describeRun({ ...run, ...named });
  expect(readRunDescription(run.folder).measured).toBeUndefined();
});
