import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { experiments } from '../../../src/experiments.ts';
import { emitKubernetes } from '../../../src/reproduce/emit/emit.ts';
import { type KubernetesOptions, kubernetesStages, requireOnVolume } from '../../../src/reproduce/emit/kubernetes.ts';
import { planTasks } from '../../../src/reproduce/tasks.ts';
import { settingsIn } from '../run_settings.ts';

interface JobManifest {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly completions: number;
    readonly podFailurePolicy: {
      readonly rules: readonly { readonly action: string; readonly onExitCodes?: { readonly values: number[] } }[];
    };
    readonly template: {
      readonly spec: {
        readonly restartPolicy: string;
        readonly containers: readonly { readonly command: string[]; readonly resources?: object }[];
      };
    };
  };
}

const odd = "it's $(id) $$ $HOME";
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ecg k8s '));
});
afterEach(() => rmSync(folder, { recursive: true }));

const settings = () => settingsIn(join(folder, odd), { experiment: experiments.quick, trials: 2 });
const options = (): KubernetesOptions => ({
  image: 'registry.example/ecg-transplant:1',
  claim: 'ecg',
  mount: folder,
  label: '0a1b2c3d',
  gpuResource: 'nvidia.com/gpu',
});
const stages = () => kubernetesStages(settings(), planTasks(settings()), options());
const jobsOf = (manifest: object): readonly JobManifest[] => (manifest as { items: readonly JobManifest[] }).items;
const all = (): JobManifest[] => stages().flatMap(({ manifest }) => jobsOf(manifest));
const idsOf = ({ spec }: JobManifest): string[] => spec.template.spec.containers[0].command.slice(4);

describe('kubernetesStages', () => {
  it('has each task once, as the index of a job, in a stage after those of what it needs', () => {
    const tasks = planTasks(settings());
    const stageOf = new Map(
      stages().flatMap(({ manifest }, i) =>
        jobsOf(manifest)
          .flatMap(idsOf)
          .map((id) => [id, i]),
      ),
    );
    expect(all().flatMap(idsOf).sort()).toEqual(tasks.map(({ id }) => id).sort());
    for (const { id, needs } of tasks) {
      for (const need of needs) expect(stageOf.get(need.id), `${need.id} before ${id}`).toBeLessThan(stageOf.get(id)!);
    }
    for (const job of all()) expect(job.spec.completions).toBe(idsOf(job).length);
    expect(stages().at(-1)!.jobs).toEqual(['ecg-0a1b2c3d-finish']);
    // Trainings do not wait for suites.
    expect(stageOf.get('suite-sampling')).toBe(stageOf.get('finish')! - 1);
  });

  it('starts again what was paused or moved, and gives up what failed', () => {
    const [{ spec }] = all();
    expect(spec.template.spec.restartPolicy).toBe('Never');
    expect(spec.podFailurePolicy.rules.map(({ action, onExitCodes }) => [action, onExitCodes?.values])).toEqual([
      ['Ignore', [75]],
      ['Ignore', undefined],
      ['FailIndex', [1, 2]],
    ]);
  });

  it('asks for a GPU for trainings only', () => {
    const asking = all().filter(({ spec }) => spec.template.spec.containers[0].resources);
    expect(asking.map(({ metadata }) => metadata.name.replace('ecg-0a1b2c3d-', '').replace(/-\d$/, ''))).toEqual(
      expect.arrayContaining(['pretraining', 'finetuning', 'original-pretraining', 'original-finetuning']),
    );
    for (const job of asking) expect(idsOf(job).join(' ')).toMatch(/pretraining|finetuning/);
    for (const job of asking) expect(idsOf(job).join(' ')).not.toMatch(/checks|suite|data/);
  });

  it('runs the task of its index, with the options of the run as they are', () => {
    const job = all().find(({ metadata }) => metadata.name.endsWith('-finetuning'))!;
    // As the kubelet does: $(NAME) is a variable, $$ a dollar sign.
    const command = job.spec.template.spec.containers[0].command.map((word) => word.replaceAll('$$', '$'));
    const node = join(folder, 'node');
    writeFileSync(node, '#!/bin/sh\nprintf "%s\\n" "$@"\n');
    chmodSync(node, 0o755);
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, JOB_COMPLETION_INDEX: '1' };
    const { stdout, stderr } = spawnSync(command[0], command.slice(1), { env, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual([
      'bin/ecg-transplant.mjs',
      'reproduce',
      ...settings().arguments,
      '--run-task',
      idsOf(job)[1],
    ]);
  });

  it.each([
    ['--data', '/elsewhere'],
    ['--weights-file', '/w.h5'],
    ['--original', '/checkout'],
  ])('refuses paths outside the volume: %s %s', (flag, path) => {
    const words = ['--seed', '1', flag, path, '--job-dir', join(folder, 'run')];
    expect(() => requireOnVolume({ arguments: words }, folder)).toThrow(
      `${flag}: the path is not on the volume; got ${path}; expected a path in ${folder}. Name a folder that holds all paths of the run: --mount DIR`,
    );
    expect(() => requireOnVolume({ arguments: words }, '/')).not.toThrow();
  });
});

describe('run.sh', () => {
  /** Runs the script with a kubectl that notes its calls and shows each job in the given states, one after the other. */
  function runScript(states: string): { status: number | null; stderr: string; applied: string[] } {
    const run = settings();
    const { file } = emitKubernetes(run, planTasks(run), options());
    const kubectl = join(folder, 'kubectl');
    writeFileSync(
      kubectl,
      `#!/bin/sh
if [ "$1" = apply ]; then test -s "$3" && echo "$3" >> '${folder}/applied'; exit; fi
count=$(cat '${folder}/count-'"$3" 2> /dev/null || echo 0)
echo $((count + 1)) > '${folder}/count-'"$3"
shift $#
set -- ${states}
shift "$count"
printf '%s' "$1"
`,
    );
    chmodSync(kubectl, 0o755);
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, POLL_SECONDS: '0.01' };
    const { status, stderr } = spawnSync(join(file, 'run.sh'), [], { env, encoding: 'utf8' });
    const applied = existsSync(join(folder, 'applied'))
      ? readFileSync(join(folder, 'applied'), 'utf8').trim().split('\n')
      : [];
    return { status, stderr, applied };
  }

  it('applies stage after stage when the jobs of the one before are complete', () => {
    const { status, stderr, applied } = runScript("'' Suspended 'SuccessCriteriaMet Complete'");
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const manifests = readdirSync(join(folder, odd, 'kubernetes')).filter((name) => name.endsWith('.json'));
    expect(applied).toEqual(manifests.sort());
  });

  it('stops at a job that failed and says how to see why', () => {
    const { status, stderr, applied } = runScript("'' 'FailureTarget Failed'");
    expect(status).toBe(1);
    expect(stderr).toBe(
      'ecg-0a1b2c3d-check failed. See why: kubectl logs -l job-name=ecg-0a1b2c3d-check --tail=20 --prefix\n',
    );
    expect(applied).toEqual(['01-check.json']);
  });
});
