import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StageName, Step } from '../../src/reproduce/step.ts';

/** A step that writes one file and notes that it ran; a task of its own. */
export function fileStep(
  folder: string,
  stage: StageName,
  name: string,
  needs: readonly Step[] = [],
  changes: Partial<Step> = {},
): Step {
  const output = join(folder, `${stage}-${name}`);
  return {
    stage,
    name,
    task: { id: `${stage}-${name}`.replaceAll(' ', '-'), kind: 'data' },
    settings: null,
    needs,
    seconds: 1,
    outputs: [output],
    run: () => {
      appendFileSync(join(folder, 'ran'), `${stage}/${name}\n`);
      writeFileSync(output, '');
    },
    ...changes,
  };
}

/** What ran since the last call, in order. */
export function whatRan(folder: string): string[] {
  const file = join(folder, 'ran');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  rmSync(file, { force: true });
  return lines;
}
