import { execFile, execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bestModelFile } from '../../src/jobs/job_model.ts';
import { writeJobThresholds } from '../../src/jobs/job_thresholds.ts';
import { readWeights } from '../../src/weights/files.ts';
import { callInProcess } from '../commands/in_process.ts';
import { writePredictions } from '../evaluate/predictions.ts';
import { writeJob } from '../export/job.ts';
import { startServer, type TestServer } from '../fetch/server.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { runPython } from '../python.ts';
import { python, root } from '../shared_data.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const classes = ['A', 'N', 'O', '~'];
const before = process.cwd();
let server: TestServer;

const publish = (...args: string[]) => callInProcess(['publish', ...args]);

beforeAll(async () => {
  vi.stubEnv('XDG_CACHE_HOME', at('cache'));
  server = await startServer();
  await writeJob(at('af'), {
    classes,
    preprocessing: {
      collection: 'challenge17',
      source: { folder: at('private-ecgs'), records: 120, index: { 'REFERENCE.csv': 'a'.repeat(64) } },
      normalization: { mean: [0.02, -0.01], std: [0.25, 0.5] },
      files: { train: { file: 'private_train.pkl', records: 90, sha256: 'b'.repeat(64) } },
    },
  });
  writePredictions(at('af'), 'test_predictions.csv');
  const rows = Array.from({ length: 200 }, (_, t) => `${Math.sin(t / 7).toFixed(4)},${Math.cos(t / 11).toFixed(4)}`);
  writeFileSync(at('recording.csv'), `L1,L2\n${rows.join('\n')}\n`);
  process.chdir(folder);
  const { code, output } = await publish(at('af'), '--to', at('model'), '--title', 'AF | *of* mine');
  expect([code, output]).toEqual([0, expect.stringContaining('licence   not stated: add --licence')]);
}, 120_000);

afterAll(async () => {
  process.chdir(before);
  vi.unstubAllEnvs();
  await server.close();
});

const card = (model = 'model'): string => readFileSync(at(model, 'README.md'), 'utf8');
const predict = (model: string) =>
  callInProcess(['predict', '--job-dir', model, '--record-fs', '125', at('recording.csv')]);

describe('a published model', () => {
  it('has files that sha256sum finds right', () => {
    const files = [bestModelFile, 'README.md', 'SHA256SUMS', 'model.json', 'model.safetensors', 'preprocessing.json'];
    expect(readdirSync(at('model')).sort()).toEqual(files.sort());
    const checked = execFileSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: at('model'), encoding: 'utf8' });
    expect(checked.match(/: OK/g)?.length).toBe(5);
  });

  it('predicts from its address, to the last byte what the job predicts', async () => {
    const expected = await predict(at('af'));
    expect(expected.code).toBe(0);
    for (const name of readdirSync(at('model'))) server.publish(`m/${name}`, readFileSync(at('model', name)));
    const table = (output: string): string => output.slice(output.indexOf('record_name'));
    expect(await predict(at('model'))).toEqual(expected);
    const fetched = await predict(`${server.address}m`);
    expect([fetched.code, table(fetched.output)]).toEqual([0, table(expected.output)]);
    // A second time without the server.
    server.files.clear();
    const again = await predict(`${server.address}m`);
    expect([again.code, table(again.output)]).toEqual([0, table(expected.output)]);
  });

  it('decides by the thresholds that the job chose, also from its address', async () => {
    cpSync(at('af'), at('own'), { recursive: true });
    const thresholds = { format: 1, rule: 'f1', records: 90 } as const;
    const own = classes.map((name, k) => ({ name, threshold: k === 0 ? 0 : 1, chosen: true }));
    writeJobThresholds(at('own'), { ...thresholds, classes: own });
    expect((await publish(at('own'), '--to', at('deciding'))).code).toBe(0);
    expect(card('deciding')).toContain(`every class that reaches its threshold: ${classes[0]} 0, ${classes[1]} 1`);
    for (const name of readdirSync(at('deciding'))) server.publish(`d/${name}`, readFileSync(at('deciding', name)));
    const { output } = await predict(`${server.address}d`);
    expect(output).toMatch(/recording\.csv(,[\d.e-]+)+,1(,0)+\n/);
    expect(output).toContain('Every class that reaches its own threshold is predicted');
    server.files.clear();
  });

  it('has the weights of the job in both formats, without the optimiser', async () => {
    const [own, its] = [at('af'), at('model')].map((job) => readWeights(join(job, bestModelFile)));
    expect(its.weights).toEqual(own.weights);
    expect(its.optimizer).toBeUndefined();
    const program = `
import json, struct, sys
import h5py, numpy as np
blob = open("model.safetensors", "rb").read()
(size,) = struct.unpack("<Q", blob[:8])
head = json.loads(blob[8 : 8 + size])
assert size % 8 == 0 and head.pop("__metadata__") == {"format": "keras"}
data, end = blob[8 + size :], 0
with h5py.File("best_model.weights.h5") as h5:
    for name, entry in head.items():
        begin, stop = entry["data_offsets"]
        assert entry["dtype"] == "F32" and begin == end
        values = np.frombuffer(data[begin:stop], "<f4").reshape(entry["shape"])
        assert np.array_equal(values, h5[name][()]), name
        end = stop
    found = []
    h5.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
assert end == len(data) and sorted(found) == sorted(head)
print(len(head))`;
    const printed = await runPython(['-c', `import os\nos.chdir(${JSON.stringify(at('model'))})${program}`]);
    expect(Number(printed)).toBe(own.weights.length);
  });

  it('names no recording, patient, file or folder of the job', () => {
    const secrets = ['A00001', 'private', 'train.pkl', folder, 'a'.repeat(64), 'b'.repeat(64)];
    for (const name of readdirSync(at('model'))) {
      const bytes = readFileSync(at('model', name));
      expect(secrets.filter((secret) => bytes.includes(secret))).toEqual([]);
    }
    const { source, files } = JSON.parse(readFileSync(at('model', 'preprocessing.json'), 'utf8'));
    expect([source, files]).toEqual([{ folder: 'challenge17', records: 120, index: {} }, {}]);
  });

  it('has a card with a head that Hugging Face reads, and the scores that evaluate gives', async () => {
    const [, head] = /^---\n([\s\S]*?)\n---\n/.exec(card())!;
    const fields = Object.fromEntries(
      head.split('\n').map((line) => {
        const [key, ...rest] = line.split(': ');
        // Its values are JSON, or a bare word.
        return [key, rest[0] === 'keras' ? 'keras' : JSON.parse(rest.join(': '))];
      }),
    );
    expect(Object.keys(fields)).toEqual(['library_name', 'tags', 'model-index']);
    await callInProcess(['evaluate', at('af'), '--report', at('page.html'), '--json', at('scores.json')]);
    const [{ macroF1, macroAuc, classes: perClass }] = JSON.parse(readFileSync(at('scores.json'), 'utf8')).predictions;
    const [{ name, results }] = fields['model-index'];
    expect(name).toBe('AF | *of* mine');
    const values = Object.fromEntries(
      results[0].metrics.map((one: { name: string; value: number }) => [one.name, one.value]),
    );
    expect(values['macro F1']).toBeCloseTo(macroF1.value, 4);
    expect(values['macro AUC']).toBeCloseTo(macroAuc.value, 4);
    const shown = ({ value, low, high }: typeof macroF1): string =>
      `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
    for (const { f1, auc } of perClass) {
      expect(card()).toContain(shown(f1));
      expect(card()).toContain(shown(auc));
    }
    expect(card()).toContain('# AF \\| \\*of\\* mine');
    expect(card()).toContain('A (atrial fibrillation)');
    expect(card()).toContain('The scores come from few records (120)');
    expect(card()).toContain('[ODC-BY 1.0]');
  });

  it('its program for Keras gives the probabilities of predict', async () => {
    const [, code] = /```python\n([\s\S]*?)```/.exec(card())!;
    writeFileSync(at('model', 'recording.csv'), readFileSync(at('recording.csv')));
    const env = {
      ...process.env,
      PYTHONPATH: join(root, 'original'),
      TF_CPP_MIN_LOG_LEVEL: '3',
      CUDA_VISIBLE_DEVICES: '',
    };
    const { stdout } = await promisify(execFile)(python, ['-c', code], { cwd: at('model'), env });
    rmSync(at('model', 'recording.csv'));
    const values: Record<string, number> = JSON.parse(stdout.trim().split('\n').at(-1)!.replaceAll("'", '"'));
    const { output } = await predict(at('model'));
    const [names, row] = output
      .slice(output.indexOf('record_name'))
      .split('\n')
      .map((line) => line.split(','));
    for (const name of classes) {
      expect(Math.abs(values[name] - Number(row[names.indexOf(`prob_${name}`)]))).toBeLessThan(1e-5);
    }
  }, 60_000);
});
