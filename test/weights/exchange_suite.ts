import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { identifyModel } from '../../src/networks/identify.ts';
import { buildNetwork } from '../../src/networks/network.ts';
import { adjustedFile, adjustNetwork } from '../../src/port/finetuning/adjust_network.ts';
import { getPretrainedWeights } from '../../src/port/pretraining/utils.ts';
import { readWeights, type WeightFormat, writeWeights } from '../../src/weights/files.ts';
import { type AdamState, adamVariables, loadWeights, readAdamState } from '../../src/weights/loading.ts';
import {
  digest,
  type ExchangeModel,
  type ExchangeResult,
  exchange,
  fileName,
  sampleWeights,
  weightsOf,
} from './exchange.ts';

/** For Python to start, build and save every network; the longest with all of them on a busy machine. */
const timeout = process.env.ECG_TEST_FULL === '1' ? 1_800_000 : 300_000;

/** Stands for `it` where a network or format has nothing to test: a skip would ask for attention. */
const noTest = (_title: string, _test: () => unknown): void => {};

/** Networks to adjust and to extract a backbone from, and what these tests declare to prove. */
interface ExchangeTasks {
  readonly adjust?: ExchangeModel;
  readonly extract?: ExchangeModel;
  readonly declare?: { readonly adjust: () => void; readonly extract: () => void };
}

/** Exchanges weight files of these networks with Python, in one process of it, and proves both directions bit for bit. */
export function exchangeSuite(
  format: WeightFormat,
  models: readonly ExchangeModel[],
  { adjust, extract, declare }: ExchangeTasks = {},
): void {
  const folder = mkdtempSync(join(tmpdir(), 'ecg-exchange-'));
  const states = new Map<string, readonly NdArray[]>();
  let results: Record<string, unknown> & { models: Record<string, ExchangeResult> };

  beforeAll(async () => {
    for (const [index, model] of models.entries()) {
      const layout = buildNetwork(model);
      const optimizer = model.trained && format === 'keras' ? sampleOptimizer(model) : undefined;
      if (optimizer) states.set(model.name, optimizer);
      await writeWeights(join(folder, fileName(format, 'port', model.name)), layout, sampleWeights(layout, index + 1), {
        optimizer,
      });
    }
    results = await exchange(
      format,
      folder,
      models.map((model) => ({ ...model, trained: model.trained && format === 'keras' })),
      {
        ...(adjust ? { adjust: { ...adjust, channels: 12 } } : {}),
        ...(extract ? { extract: { ...extract, ...extract.head } } : {}),
      },
    );
  }, timeout);
  afterAll(() => rmSync(folder, { recursive: true }));

  describe.each(models)('$name', (model) => {
    const layout = buildNetwork(model);

    it('is loaded by Python bit for bit', () => {
      const index = models.indexOf(model);
      expect(results.models[model.name].loaded).toEqual(sampleWeights(layout, index + 1).map(digest));
    });

    it('written by Python is read bit for bit, and recognised', () => {
      const file = readWeights(join(folder, fileName(format, 'python', model.name)));
      expect(file.format).toBe(format);
      expect(loadWeights(file, layout.weights).assigned.map(digest)).toEqual(results.models[model.name].saved);
      expect(file.weights).toHaveLength(layout.weights.length);
      const { weights, objects } = buildNetwork(identifyModel(file)!);
      expect([weights, objects]).toEqual([layout.weights, layout.objects]);
    });

    it('has the layout that Python builds', () => {
      const { parameters, trainable } = results.models[model.name];
      const size = layout.weights.reduce((total, { shape }) => total + shape.reduce((a, b) => a * b, 1), 0);
      expect(size).toBe(parameters);
      expect(layout.weights.map((weight) => weight.trainable)).toEqual(trainable);
    });

    const carriesOptimizer = model.trained && format === 'keras';
    (carriesOptimizer ? it : noTest)('carries the state of Adam both ways', () => {
      const result = results.models[model.name];
      expect(result.loaded_optimizer).toEqual(states.get(model.name)!.map(digest));
      const { optimizer } = readWeights(join(folder, fileName(format, 'python', model.name)));
      expect(optimizer!.map(digest)).toEqual(result.saved_optimizer);
      const trainable = layout.weights.filter((weight) => weight.trainable);
      const state = readAdamState('python', optimizer!, trainable);
      // Two steps on top of the state that the port wrote.
      expect(state.iterations).toBe(9n);
      expect(state.learningRate).toBe(result.learning_rate);
      expect(adamVariables(state, trainable).map(digest)).toEqual(result.saved_optimizer);
    });
  });

  (adjust ? it : noTest)('finetuning.adjust_network gives the same weights', async () => {
    declare?.adjust();
    const copy = join(folder, `copy_of_${fileName(format, 'python', adjust!.name)}`);
    for (const suffix of format === 'keras' ? [''] : ['.index', '.data-00000-of-00001']) {
      cpSync(join(folder, fileName(format, 'python', adjust!.name)) + suffix, copy + suffix);
    }
    const output = await adjustNetwork({ weightsFile: copy, channels: 12, arch: adjust!.arch, stages: adjust!.stages });
    expect(output).toBe(adjustedFile(copy, format));
    expect(output.replace('copy_of_', '')).toBe(results.adjust);
    const [ours, theirs] = [output, results.adjust as string].map(weightsOf);
    const byPath = (weights: typeof ours) => new Map(weights.map((weight) => [weight.path, digest(weight)]));
    expect(byPath(ours)).toEqual(byPath(theirs));
    expect(identifyModel(readWeights(output))?.channels).toBe(12);
  });

  (extract ? it : noTest)('pretraining.utils.get_pretrained_weights gives the same backbone', async () => {
    declare?.extract();
    const { arch, stages, head } = extract!;
    const task = head !== undefined && 'task' in head ? head.task : 'beat';
    const { model, weights } = getPretrainedWeights(
      join(folder, fileName(format, 'python', extract!.name)),
      task,
      arch,
      stages,
    );
    expect(weights.map(digest)).toEqual(results.extract);
    const saved = join(folder, format === 'keras' ? 'ours.weights.h5' : 'ours.weights');
    await writeWeights(saved, model, weights);
    const theirs = readWeights(join(folder, format === 'keras' ? 'extracted.weights.h5' : 'extracted.weights')).weights;
    const paths = (list: readonly { path: string }[]) => list.map(({ path }) => path).sort();
    expect(paths(readWeights(saved).weights)).toEqual(paths(theirs));
  });

  (format === 'tensorflow' ? it : noTest)('leaves the optimiser slots of tf.keras 2.1 alone', () => {
    const file = readWeights(join(folder, 'slots.weights'));
    const layout = buildNetwork({ stages: 1, head: { classes: 4 } });
    expect(loadWeights(file, layout.weights).assigned.map(digest)).toEqual(results.slots);
    expect(file.weights).toHaveLength(layout.weights.length);
    expect(file.optimizer).toBeUndefined();
    const slots = file.unread.filter((key) => key.includes('/.OPTIMIZER_SLOT/optimizer/'));
    expect(slots).toHaveLength(2 * layout.weights.filter(({ trainable }) => trainable).length);
  });
}

/** A made-up state of Adam after seven steps. */
function sampleOptimizer(model: ExchangeModel): NdArray[] {
  const trainable = buildNetwork(model).weights.filter((weight) => weight.trainable);
  const sample = (seed: number) => sampleWeights({ weights: trainable }, seed);
  const [ms, vs] = [sample(101), sample(102)];
  const state: AdamState = {
    iterations: 7n,
    learningRate: Math.fround(0.002),
    moments: new Map(
      trainable.map(({ path, shape }, index) => {
        // Second moments are squares: two more steps on them must stay finite.
        const v = ndarray(
          'float32',
          shape,
          Float32Array.from(vs[index].data as Float32Array, (x) => Math.min(x ** 2, 1)),
        );
        const m = ndarray(
          'float32',
          shape,
          Float32Array.from(ms[index].data as Float32Array, (x) => Math.min(x, 1)),
        );
        return [path, { m, v }] as const;
      }),
    ),
  };
  return adamVariables(state, trainable);
}
