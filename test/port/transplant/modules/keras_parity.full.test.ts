import { cpcCase, describeParity, finetuningCase, pretrainingCase, topCase } from './parity_suite.ts';

const architectures = ['resnet18', 'resnet34', 'resnet50'] as const;
const cases = [
  ...architectures.map(
    (arch) => [`${arch}, one lead, softmax head`, finetuningCase(arch, 'softmax', [6, 512, 1])] as const,
  ),
  ...architectures.map(
    (arch) => [`${arch}, twelve leads, sigmoid head`, finetuningCase(arch, 'sigmoid', [5, 333, 12])] as const,
  ),
  ...[1, 2, 3].map(
    (stages) => [`resnet18, stages=${stages}`, finetuningCase('resnet18', 'softmax', [6, 256, 1], stages)] as const,
  ),
  ...(['rhythm', 'beat', 'hr'] as const).map(
    (task) => [`pretraining ${task}`, pretrainingCase(task, 'resnet18', [6, 256])] as const,
  ),
  ['ResNet with its top', topCase(3, [5, 256])] as const,
  ['ResNet with one output', topCase(1, [5, 256])] as const,
  ['CPC, resnet18', cpcCase('resnet18', [4, 256])] as const,
  ['CPC, resnet50, stages=2', cpcCase('resnet50', [3, 128], 2)] as const,
];

describeParity(Object.fromEntries(cases));
