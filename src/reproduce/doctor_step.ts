import { diagnose, diagnoseNode } from '../doctor/diagnosis.ts';
import { InputError } from '../errors.ts';
import { ownCommand } from '../text.ts';
import type { RunSettings } from './settings.ts';
import type { StepContext } from './step.ts';

/**
 * Checks the set-up as `doctor` does, as far as these sides need it, and reports its warnings. For the port alone it starts no Python process.
 * Throws an InputError with the command that fixes a failure.
 */
export async function checkSetUp(
  { sides }: Pick<RunSettings, 'sides'>,
  { report }: Pick<StepContext, 'report'>,
): Promise<void> {
  const checks = sides.includes('original') ? (await diagnose()).checks : await diagnoseNode();
  for (const { name, status, detail } of checks) {
    if (status === 'warning') report({ kind: 'warning', text: `${name}: ${detail}` });
  }
  const failed = checks.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return;
  throw new InputError('the set-up is incomplete', {
    got: failed.map(({ name, detail }) => `${name}: ${detail}`).join('; '),
    next: `See: ${ownCommand('doctor')}. Fix it: ${failed[0].advice ?? ownCommand('setup')}`,
  });
}
