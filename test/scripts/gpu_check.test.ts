/** scripts/gpu-check.sh with a pretended card and a pretended node: the steps, their order, the report and the exit codes. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeBench, describeUse } from '../../scripts/lib/gpu_report.mjs';
import { alive } from '../process.ts';
import { root } from '../shared_data.ts';

const script = join(root, 'scripts', 'gpu-check.sh');

/** Leaves what the script looks for. The variable FAKE names a step and what it does: `compare=fail`. */
const node = `#!/bin/bash
case "$1" in *gpu_report.mjs) exec "${process.execPath}" "$@" ;; esac
name=$2
[[ $1 == scripts/setup.mjs ]] && name=set-up
echo "$ECG_TRANSPLANT_GPU $CUDA_VISIBLE_DEVICES $*" >>"$TOOLS/calls"
argument() { while (($# > 1)); do [[ $1 == "$want" ]] && echo "$2"; shift; done; }
case $FAKE in
  "$name=fail") echo broken; exit 3 ;;
  "$name=sleep") echo $$ >"$TOOLS/pid"; exec sleep 60 ;;
esac
case $name in
  doctor) if [[ $FAKE == blind ]]; then echo 'warn  GPU  Python sees 1, Node 0'; else echo 'ok  GPU  Python sees 1, Node 1, memory grows'; fi ;;
  bench) want=--json; cp "$TOOLS/bench.json" "$(argument "$@")" ;;
  make-data)
    want=--target; folder=$(argument "$@")/icentia/zipped; mkdir -p "$folder"
    for id in 0 1 2 3; do for ending in .pkl.gz _lbls.pkl.gz; do echo "$id" >"$folder/0000\${id}_batched$ending"; done; done ;;
  pretrain)
    want=--train; ls "$(argument "$@")" >"$TOOLS/patients"
    want=--job-dir; folder=$(argument "$@"); mkdir -p "$folder"
    event() { echo "{\\"time\\":\\"$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)\\",\\"event\\":\\"$1\\",\\"task\\":\\"Epoch $2/2\\"}"; }
    { event start 1; event end 1; event start 2; sleep 0.4; event end 2; } >"$folder/events.jsonl" ;;
esac
`;
const smi = `#!/bin/bash
[[ $FAKE == 'no card' ]] && { echo 'No devices were found'; exit 6; }
case "$*" in
  *-lms*) echo $$ >"$TOOLS/sampler"; while true; do echo "$(date '+%Y/%m/%d %H:%M:%S.%3N'), 80, 1234"; sleep 0.05; done ;;
  *) echo 'NVIDIA Fake, 550.1, 81920 MiB' ;;
esac
`;

const row = (name: string) => ({
  ...{ name, port: 0.01, original: 0.02, unit: 's/step', ratio: 0.5 },
  share: { port: { value: 0.43, rate: 50e12 }, original: { value: 0.2, rate: 50e12 } },
});

let tools: string;
beforeEach(() => {
  tools = mkdtempSync(join(tmpdir(), 'gpu-check-'));
  for (const [name, text] of Object.entries({ node, 'nvidia-smi': smi })) {
    writeFileSync(join(tools, name), text);
    chmodSync(join(tools, name), 0o755);
  }
  writeFileSync(join(tools, 'bench.json'), JSON.stringify({ node: { gpus: 1 }, rows: [row('step'), row('bfloat16')] }));
  mkdirSync(join(tools, 'wheels'));
});
afterEach(() => rmSync(tools, { recursive: true, force: true }));

const environment = (fake: string) => ({
  PATH: [tools, process.env.PATH].join(delimiter),
  TOOLS: tools,
  FAKE: fake,
  HOME: tools,
});
const job = () => join(tools, 'job');

function check(args: readonly string[], fake = ''): { readonly code: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('bash', [script, ...args], {
    cwd: tools,
    env: environment(fake),
    encoding: 'utf8',
  });
  return { code: status, output: stdout + stderr };
}

const calls = () => (existsSync(join(tools, 'calls')) ? readFileSync(join(tools, 'calls'), 'utf8') : '');

describe('scripts/gpu-check.sh', () => {
  it('runs every step on the first card with the CUDA lock, reports figures, and leaves no data behind', () => {
    const { code, output } = check(['--wheelhouse', 'wheels', '--job-dir', 'job']);
    expect(output).toContain('Card: NVIDIA Fake, 550.1, 81920 MiB');
    for (const name of ['set-up', 'doctor', 'bench', 'data', 'pretrain', 'compare']) {
      expect(output).toMatch(new RegExp(`^ok {4}${name} +\\d+ s`, 'm'));
    }
    expect(output).toContain(
      "step: port 0.0100 s/step, original 0.0200 s/step, ratio 0.500; the port reaches 43 % of the card's 50.0",
    );
    expect(output).toMatch(/GPU busy: mean 80 %, median 80 % \(\d+ samples in 0\.\d s of training\)/);
    expect(output).toMatch(/\d+ frames a second from zipped patients; at most 1234 MiB/);
    expect(output.endsWith('\nEverything passed.\n')).toBe(true);
    expect(code).toBe(0);
    expect(output.endsWith(readFileSync(join(job(), 'report.txt'), 'utf8'))).toBe(true);
    const lines = calls().trim().split('\n');
    expect(lines.map((line) => line.split(' ').slice(0, 4).join(' '))).toEqual([
      '1 0 scripts/setup.mjs --wheelhouse',
      ...['doctor', 'bench', 'make-data', 'pretrain', 'compare'].map((name) => `1 0 bin/ecg-transplant.mjs ${name}`),
    ]);
    expect(lines[0]).toContain(join(tools, 'wheels'));
    expect(lines.at(-1)).toContain('--quick --gpu');
    expect(readFileSync(join(tools, 'patients'), 'utf8').trim().split('\n')).toHaveLength(48);
    expect(readdirSync(job())).not.toContain('data');
    expect(alive(Number(readFileSync(join(tools, 'sampler'), 'utf8')))).toBe(false);
  });

  it('a failed step is reported with its log, the later ones still run, and the exit code is 1', () => {
    const { code, output } = check(['--job-dir', 'job'], 'bench=fail');
    expect(output).toMatch(/^FAIL {2}bench +\d+ s {2}exit code 3; see .*bench\.log$/m);
    expect(readFileSync(join(job(), 'bench.log'), 'utf8')).toBe('broken\n');
    expect(output).toMatch(/^ok {4}compare/m);
    expect(output.endsWith('Something failed.\n')).toBe(true);
    expect(code).toBe(1);
  });

  it('after a failed set-up nothing else runs', () => {
    const { code, output } = check(['--job-dir', 'job'], 'set-up=fail');
    expect(output).toMatch(/^FAIL {2}set-up/m);
    expect(calls().trim().split('\n')).toHaveLength(1);
    expect(code).toBe(1);
  });

  it('a side that does not see the GPU is a failure, although doctor passes', () => {
    const { code, output } = check(['--job-dir', 'job'], 'blind');
    expect(output).toMatch(/^FAIL {2}doctor +0 s {2}a side does not see the GPU/m);
    expect(code).toBe(1);
  });

  it('without a card it ends at once and says what to do', () => {
    const { code, output } = check(['--job-dir', 'job'], 'no card');
    expect(output).toContain('nvidia-smi does not show card 0: No devices were found');
    expect(output).toContain('npm run compare -- --quick');
    expect([code, calls(), existsSync(job())]).toEqual([1, '', false]);
  });

  it('--dry-run shows every command and runs none', () => {
    const { code, output } = check(['--dry-run', '--wheelhouse', 'wheels'], 'no card');
    expect(output.trim().split('\n')).toHaveLength(8);
    expect(output).toContain(`node scripts/setup.mjs --wheelhouse ${join(tools, 'wheels')}`);
    expect([code, calls()]).toEqual([0, '']);
  });

  it('--help teaches; wrong command lines end with 2', () => {
    expect(check(['--help'])).toMatchObject({ code: 0, output: expect.stringContaining('--wheelhouse DIR') });
    expect(check(['--wheels', 'x'])).toMatchObject({
      code: 2,
      output: expect.stringContaining('unknown option: --wheels'),
    });
    expect(check(['--job-dir'])).toMatchObject({
      code: 2,
      output: expect.stringContaining('--job-dir needs a folder'),
    });
    expect(check(['--wheelhouse', 'gone'])).toMatchObject({
      code: 2,
      output: expect.stringContaining('is not a directory'),
    });
    expect(calls()).toBe('');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('%s ends the running step and leaves no process', async (signal) => {
    const child: ChildProcess = spawn('bash', [script, '--job-dir', 'job'], {
      cwd: tools,
      env: environment('pretrain=sleep'),
      stdio: 'ignore',
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const pid = join(tools, 'pid');
    while (!existsSync(pid) || !existsSync(join(tools, 'sampler'))) await setTimeout(50);
    await setTimeout(100);
    child.kill(signal);
    expect(await ended).toBe(signal === 'SIGINT' ? 130 : 143);
    const left = () => ['pid', 'sampler'].some((name) => alive(Number(readFileSync(join(tools, name), 'utf8'))));
    for (let k = 0; k < 100 && left(); k++) await setTimeout(20);
    expect(left()).toBe(false);
  });
});

describe('figures of the report', () => {
  const event = (second: number, kind: string, epoch: number) =>
    JSON.stringify({ time: new Date(2026, 0, 1, 12, 0, second).toISOString(), event: kind, task: `Epoch ${epoch}/3` });
  const events = [
    event(0, 'start', 1),
    event(10, 'end', 1),
    event(11, 'start', 2),
    event(13, 'end', 2),
    event(15, 'start', 3),
    event(17, 'end', 3),
    JSON.stringify({ event: 'message', text: 'Waited for data: 3.0 % of the training time' }),
  ].join('\n');
  const sampled = (...samples: readonly (readonly [second: number, busy: number])[]) =>
    samples.map(([s, busy]) => `2026/01/01 12:00:${String(s).padStart(2, '0')}.500, ${busy}, ${1000 + s}`).join('\n');

  it('count the samples within the epochs after the first', () => {
    const text = describeUse(sampled([5, 1], [11, 90], [12, 70], [14, 0], [15, 50], [20, 0]), events, 1000);
    expect(text).toEqual([
      'GPU busy: mean 70 %, median 70 % (3 samples in 4.0 s of training)',
      '500 frames a second from zipped patients; at most 1020 MiB of GPU memory in use',
      'Waited for data: 3.0 % of the training time',
    ]);
  });

  it('refuse a job without a second epoch, without samples, or without use of the GPU, and a bench that failed', () => {
    expect(() => describeUse(sampled([11, 1]), event(0, 'start', 1), 1)).toThrow(/did not finish a second epoch/);
    expect(() => describeUse('', events, 1)).toThrow(/gave no sample/);
    expect(() => describeUse(sampled([11, 0], [12, 0]), events, 1)).toThrow(/the GPU was idle/);
    expect(() => describeBench(JSON.stringify({ node: { gpus: 0 }, rows: [] }))).toThrow(/did not see a GPU/);
    const failed = { node: { gpus: 1 }, rows: [{ name: 'step', error: 'out of memory' }] };
    expect(() => describeBench(JSON.stringify(failed))).toThrow('step: out of memory');
  });
});
