/** First proof: Node and Python run the same operations of one TensorFlow library and get the same bits. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NdArray } from '../../src/lib/numpy/ndarray.ts';
import { readNpy, writeNpy } from '../../src/lib/numpy/npy.ts';
import { type Case, makeCases } from '../fixtures/bit_equality/cases.ts';
import { runPython } from '../python.ts';
import { root } from '../shared_data.ts';

const fixtures = join(root, 'test', 'fixtures', 'bit_equality');
const rounds = 40;

// Values travel in shared memory where there is some.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ecg-transplant-bits-'));
const cases = makeCases(20260101, rounds);

beforeAll(() => {
  for (const [i, { inputs }] of cases.entries()) {
    for (const [k, array] of Object.values(inputs).entries()) writeNpy(join(folder, `${i}-${k}.npy`), array);
  }
  const written = cases.map((entry) => ({ ...entry, inputs: Object.keys(entry.inputs) }));
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(written));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  { oneDnn: '1', title: 'oneDNN on' },
  { oneDnn: '0', title: 'oneDNN off' },
])('$title', ({ oneDnn }) => {
  const [node, python] = [outputFolder(`node-${oneDnn}`), outputFolder(`python-${oneDnn}`)];

  beforeAll(async () => {
    const env = { TF_ENABLE_ONEDNN_OPTS: oneDnn, TF_NUM_INTRAOP_THREADS: '2', TF_NUM_INTEROP_THREADS: '2' };
    await runNode([join(fixtures, 'run_node.ts'), folder, node], env);
    await runPython([join(fixtures, 'run_python.py'), folder, python], { env });
  });

  test.each([...new Set(cases.map(({ op }) => op))])('tf.raw_ops.%s', (op) => {
    const chosen = [...cases.entries()].filter(([, entry]) => entry.op === op);
    expect(chosen).toHaveLength(rounds * (op === 'FusedBatchNormV3' ? 2 : 1));
    for (const [i, entry] of chosen) {
      for (let k = 0; k < (entry.defined ?? entry.outputs); k++) {
        const name = `${i}-${k}.npy`;
        expectSameBits(join(node, name), join(python, name), `${describeCase(entry)}, output ${k}`);
      }
      expect(isInformative(readNpy(join(node, `${i}-0.npy`)) as NdArray), describeCase(entry)).toBe(true);
    }
  });
});

test('the oneDNN setting reaches both processes: it changes bits', () => {
  for (const side of ['node', 'python']) {
    const [on, off] = ['1', '0'].map((setting) => join(folder, `${side}-${setting}`)) as [string, string];
    const changed = readdirSync(on).filter(
      (name) => !readFileSync(join(on, name)).equals(readFileSync(join(off, name))),
    );
    expect(changed.length, side).toBeGreaterThan(0);
  }
});

function outputFolder(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

/** Whole files: dtype and shape stand in the header. */
function expectSameBits(node: string, python: string, what: string): void {
  if (!readFileSync(node).equals(readFileSync(python))) {
    const [a, b] = [readNpy(node) as NdArray, readNpy(python) as NdArray];
    const place = Array.from<unknown>(a.data).findIndex((value, i) => !Object.is(value, b.data[i]));
    expect.fail(
      `${what}: Node ${a.shape} and Python ${b.shape} differ, first at ${place}: ${a.data[place]}, ${b.data[place]}`,
    );
  }
}

/** Equal bits of an array of zeros or NaN would prove nothing. */
function isInformative({ data }: NdArray): boolean {
  const numbers = Array.from(data, Number);
  return numbers.every(Number.isFinite) && numbers.some((value) => value !== 0);
}

function describeCase({ op, inputs }: Case): string {
  const shapes = Object.entries(inputs).map(([name, { shape }]) => `${name} (${shape.join(', ')})`);
  return `${op} on ${shapes.join(', ')}`;
}

function runNode(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    const log: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => log.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(Buffer.concat(log).toString('utf8')))));
  });
}
