import { describe } from 'vitest';
import { archs } from '../../src/port/finetuning/utils.ts';
import { pretrainingTasks } from '../../src/port/pretraining/utils.ts';
import type { ExchangeModel } from './exchange.ts';
import { exchangeSuite } from './exchange_suite.ts';

// CPC on resnet50 has 117 million parameters; its files are 470 MB each.
const models: readonly ExchangeModel[] = archs.flatMap((arch): ExchangeModel[] => [
  { name: arch, arch },
  { name: `${arch}_12_leads`, arch, channels: 12 },
  ...[1, 2, 3].map((stages) => ({ name: `${arch}_${stages}_stages`, arch, stages })),
  { name: `${arch}_classifier`, arch, head: { classes: 4 } },
  { name: `${arch}_12_leads_classifier`, arch, channels: 12, head: { classes: 12 } },
  ...pretrainingTasks.map((task) => ({ name: `${arch}_${task}`, arch, head: { task } })),
]);

describe('every network, .weights.h5', () => exchangeSuite('keras', models));
describe('every network, TensorFlow checkpoints', () => exchangeSuite('tensorflow', models));
