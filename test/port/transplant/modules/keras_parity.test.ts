import { proves } from '../../../proofs/proves.ts';
import { cpcCase, describeParity, finetuningCase } from './parity_suite.ts';

describeParity({
  'finetuning.utils.ecg_feature_extractor(resnet18), softmax head': {
    ...finetuningCase('resnet18', 'softmax', [6, 256, 1]),
    declare: () => {
      proves('finetuning.utils.ecg_feature_extractor');
      proves('transplant.modules.resnet1d.ResNet', 'transplant.modules.resnet1d.ResNet.call');
      proves('transplant.modules.resnet1d.ResidualBlock', 'transplant.modules.resnet1d.ResidualBlock.call');
      proves(
        'transplant.modules.resnet1d.conv1d',
        'transplant.modules.resnet1d.batch_norm',
        'transplant.modules.resnet1d.relu',
      );
    },
  },
  'finetuning.utils.ecg_feature_extractor(resnet50, stages=2), twelve leads, sigmoid head': {
    ...finetuningCase('resnet50', 'sigmoid', [4, 99, 12], 2),
    declare: () =>
      proves('transplant.modules.resnet1d.BottleneckBlock', 'transplant.modules.resnet1d.BottleneckBlock.call'),
  },
  'transplant.tasks.cpc.CPCSolver(resnet18, stages=1)': {
    ...cpcCase('resnet18', [5, 64], 1),
    declare: () => {
      proves('pretraining.utils.task_solver');
      proves('transplant.tasks.cpc.CPCSolver', 'transplant.tasks.cpc.CPCSolver.call');
      proves('transplant.tasks.utils.embed_frames', 'transplant.modules.transformer.positional_embedding');
      proves('transplant.modules.attn_pool.AttentionPooling', 'transplant.modules.attn_pool.AttentionPooling.call');
      proves('transplant.modules.transformer.Encoder', 'transplant.modules.transformer.Encoder.call');
      proves('transplant.modules.transformer.EncoderLayer', 'transplant.modules.transformer.EncoderLayer.call');
      proves(
        'transplant.modules.transformer.MultiHeadAttention',
        'transplant.modules.transformer.MultiHeadAttention.call',
      );
    },
  },
});
