import { diagnose } from '../doctor/diagnosis.ts';
import { InputError } from '../errors.ts';
import { ownCommand } from '../text.ts';
import type { StepContext } from './step.ts';

/** Checks the set-up as `doctor` does and reports its warnings. Throws an InputError with the command that fixes a failure. */
export async function checkSetUp({ report }: Pick<StepContext, 'report'>): Promise<void> {
  const { ok, checks } = await diagnose();
  for (const { name, status, detail } of checks) {
    if (status === 'warning') report({ kind: 'warning', text: `${name}: ${detail}` });
  }
  if (ok) return;
  const failed = checks.filter(({ status }) => status === 'failed');
  throw new InputError('the set-up is incomplete', {
    got: failed.map(({ name, detail }) => `${name}: ${detail}`).join('; '),
    next: `See: ${ownCommand('doctor')}. Fix it: ${failed[0]?.advice ?? ownCommand('setup')}`,
  });
}
