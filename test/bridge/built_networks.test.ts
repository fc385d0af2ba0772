import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runPython } from '../python.ts';
import { root } from '../shared_data.ts';

it('networks of the original: built in one pass they have the weights of Keras, and as a graph they make the steps that they make eagerly', async () => {
  const output = await runPython([join(root, 'test', 'fixtures', 'keras', 'built_networks.py')]);
  expect(output.trim().split('\n')).toEqual([
    'finetuning: same weights',
    'cpc: same weights',
    'traced: same steps; a traced network takes no weights of losses',
  ]);
}, 120_000);
