import { describe } from 'vitest';
import { proves } from '../proofs/proves.ts';
import type { ExchangeModel } from './exchange.ts';
import { exchangeSuite } from './exchange_suite.ts';

const models: readonly ExchangeModel[] = [
  { name: 'resnet18' },
  { name: 'resnet34', arch: 'resnet34', stages: 2, channels: 12 },
  { name: 'resnet50', arch: 'resnet50', stages: 1 },
  { name: 'one_stage', stages: 1 },
  { name: 'classifier', stages: 1, head: { classes: 4 }, trained: true },
  { name: 'twelve_leads', stages: 2, channels: 12, head: { classes: 12 } },
  { name: 'rhythm', stages: 1, head: { task: 'rhythm' } },
  { name: 'beat', arch: 'resnet50', stages: 1, head: { task: 'beat' } },
  { name: 'hr', stages: 2, head: { task: 'hr' } },
  { name: 'cpc', stages: 1, head: { task: 'cpc' } },
];

describe('keras.Model.save_weights and load_weights (.weights.h5)', () => {
  exchangeSuite('keras', models, {
    adjust: { ...models[3], arch: 'resnet18' },
    extract: models[7],
    declare: {
      adjust: () => proves('finetuning.adjust_network.adjusted_file'),
      extract: () => proves('pretraining.utils.get_pretrained_weights'),
    },
  });
});
