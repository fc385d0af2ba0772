import { cpcCase, describeParity, finetuningCase } from './parity_suite.ts';

describeParity({
  'finetuning.utils.ecg_feature_extractor(resnet18), softmax head': finetuningCase('resnet18', 'softmax', [6, 256, 1]),
  'finetuning.utils.ecg_feature_extractor(resnet50, stages=2), twelve leads, sigmoid head': finetuningCase(
    'resnet50',
    'sigmoid',
    [4, 99, 12],
    2,
  ),
  'transplant.tasks.cpc.CPCSolver(resnet18, stages=1)': cpcCase('resnet18', 64, [5, 64], 1),
});
