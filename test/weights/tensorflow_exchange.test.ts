import { describe } from 'vitest';
import type { ExchangeModel } from './exchange.ts';
import { exchangeSuite } from './exchange_suite.ts';

const models: readonly ExchangeModel[] = [
  { name: 'resnet18' },
  { name: 'one_stage', stages: 1 },
  { name: 'twelve_leads', stages: 2, channels: 12, head: { classes: 12 } },
  { name: 'beat', arch: 'resnet50', stages: 1, head: { task: 'beat' } },
  { name: 'cpc', stages: 1, head: { task: 'cpc' } },
];

describe('tf_keras.Model.save_weights and load_weights (TensorFlow checkpoints)', () => {
  exchangeSuite('tensorflow', models, { adjust: { ...models[1], arch: 'resnet18' }, extract: models[3] });
});
