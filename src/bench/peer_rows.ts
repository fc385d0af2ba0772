import { steady } from './measurement.ts';
import type { ModelSettings } from './port_models.ts';
import { type BenchRow, classifierOf } from './rows.ts';

/** Largest ratio port / other program that these rows aim at. */
const goal = 0.8;

/** The rows of `--peers`: the port against what one might use instead, with the same network, batch and weights. */
export function peerRows(quick = false): BenchRow[] {
  const model = classifierOf(quick, 'resnet18', 32, 2048);
  const steps = quick ? 1 : 6;
  const rounds = quick ? 1 : 5;

  const stepRow = (
    name: string,
    title: string,
    against: string,
    { compiled = false, precision = 'float32' as 'float32' | 'bfloat16' } = {},
  ): BenchRow => {
    const port: ModelSettings = { ...model, precision };
    return {
      name,
      title: `training step, resnet18, 32 × 2048, ${title}`,
      unit: 's/step',
      goal,
      rounds,
      against,
      pytorch: true,
      port: () => steady('port', { name: 'train', settings: { ...port, steps } }),
      original: async (inputs) => {
        const reference = await inputs.reference(model);
        return steady('pytorch', {
          name: 'train',
          settings: { reference, compiled, autocast: precision === 'bfloat16', steps },
        });
      },
      step: { model: port, original: precision },
    };
  };

  const predictRow = (row: Pick<BenchRow, 'name' | 'against' | 'pytorch' | 'original'>): BenchRow => ({
    title: `prediction, resnet18, 32 × 2048, against ${row.against}`,
    unit: 's',
    goal,
    rounds,
    port: () => steady('port', { name: 'predict', settings: { ...model } }),
    ...row,
  });

  return [
    stepRow('step-torch', 'against PyTorch', 'PyTorch'),
    stepRow('step-torch-bfloat16', 'bfloat16 against autocast', 'PyTorch with autocast', { precision: 'bfloat16' }),
    stepRow('step-torch-compile', 'against torch.compile', 'PyTorch with torch.compile', { compiled: true }),
    predictRow({
      name: 'predict-torch',
      against: 'PyTorch',
      pytorch: true,
      original: async (inputs) => {
        const reference = await inputs.reference(model);
        return steady('pytorch', { name: 'predict', settings: { reference, compiled: false, autocast: false } });
      },
    }),
    predictRow({
      name: 'predict-onnx',
      against: 'ONNX Runtime',
      original: async (inputs) => {
        const file = await inputs.reference(model);
        return steady('port', { name: 'predict_onnx', settings: { ...model, file } });
      },
    }),
  ];
}
