import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../../src/events.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { buildNetwork } from '../../../src/networks/network.ts';
import { getPretrainedWeights, unzipIcentia11k } from '../../../src/port/pretraining/utils.ts';
import { patientFile } from '../../../src/port/transplant/datasets/icentia11k/files.ts';
import { loadLabels } from '../../../src/port/transplant/datasets/icentia11k.ts';
import { writeIcentiaPatient } from '../../../src/synthetic/write_icentia.ts';
import { writeWeights } from '../../../src/weights/files.ts';
import { proves } from '../../proofs/proves.ts';
import { runPython } from '../../python.ts';
import { sampleWeights } from '../../weights/exchange.ts';

const folder = mkdtempSync(join(tmpdir(), 'pretraining-utils-'));
const at = (...names: string[]): string => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true }));

describe('pretraining.utils.unzip_icentia11k', () => {
  const ids = [3, 0, 2, 1];

  beforeAll(async () => {
    for (const id of ids) {
      await writeIcentiaPatient(
        id,
        { seed: 5, segments: 2, samples: 3000 },
        { zipped: at('zipped'), unzipped: at('x') },
      );
    }
  });

  const converted = (name: string) =>
    ids.map((id) => [readFileSync(patientFile(at(name), id, '.npy')), loadLabels(at(name), id, { unzipped: true })]);

  it('writes what the original writes, in this thread and in others', async () => {
    proves('pretraining.utils.unzip_icentia11k');
    await unzipIcentia11k(at('zipped'), ids, at('new', 'here'));
    await unzipIcentia11k(at('zipped'), ids, at('threads'), { numWorkers: 2, patientsPerWorker: 3 });
    const program =
      'import sys; from pretraining.utils import unzip_icentia11k as f; f(sys.argv[1], [3, 0, 2, 1], sys.argv[2])';
    await runPython(['-c', program, at('zipped'), at('original')]);
    expect(readdirSync(at('new', 'here')).sort()).toEqual(readdirSync(at('original')).sort());
    for (const name of ['new/here', 'threads']) expect(converted(name)).toEqual(converted('original'));
  }, 120_000);

  it('reports its progress: each patient in order, or a list at a time', async () => {
    const progress = async (options: object): Promise<unknown[]> => {
      const events: ProgressEvent[] = [];
      await unzipIcentia11k(at('zipped'), ids.values(), at('progress'), {
        ...options,
        report: (event) => events.push(event),
      });
      expect(events[0]).toMatchObject({ kind: 'start', total: 4, unit: 'patients' });
      expect(events.at(-1)).toMatchObject({ kind: 'end' });
      return events.flatMap((event) => (event.kind === 'progress' ? [event.done] : []));
    };
    expect(await progress({})).toEqual([1, 2, 3, 4]);
    expect((await progress({ numWorkers: 2, patientsPerWorker: 2 })).at(-1)).toBe(4);
    expect(await progress({ numWorkers: 3, patientsPerWorker: 4 })).toEqual([4]);
  });

  it('stops at a patient that is missing; what is converted stays', async () => {
    const unzip = (options: object) => unzipIcentia11k(at('zipped'), [0, 77, 1], at('missing'), options);
    await expect(unzip({})).rejects.toThrow(FileNotFoundError);
    expect(readdirSync(at('missing')).sort()).toEqual(['00000_batched.npy', '00000_batched_lbls.npz']);
    await expect(unzip({ numWorkers: 2 })).rejects.toThrow(FileNotFoundError);
  });
});

describe('pretraining.utils.get_pretrained_weights', () => {
  it('needs the task, the architecture and the stages of the checkpoint', async () => {
    const file = join(folder, 'pretrained.weights.h5');
    const model = buildNetwork({ stages: 1, head: { task: 'hr' } });
    await writeWeights(file, model, sampleWeights(model, 4));
    expect(getPretrainedWeights(file, 'hr', 'resnet18', 1).weights).toHaveLength(25);
    expect(() => getPretrainedWeights(file, 'beat', 'resnet18', 1)).toThrow(
      /dense\/vars\/0 has shape \(64, 4\); expected \(64, 5\)/,
    );
    expect(() => getPretrainedWeights(file, 'hr')).toThrow(/does not fit the model/);
    expect(() => getPretrainedWeights(file, 'hr', 'resnet50', 1)).toThrow(/does not fit the model/);
    expect(() => getPretrainedWeights(file, 'cpc', 'resnet18', 1)).toThrow(/missing/);
  });
});
