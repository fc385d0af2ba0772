import type { Witness } from '../../bridge/witness.ts';
import type { Rung } from '../closeness.ts';
import type { Comparison } from './model.ts';

/** What a passed row of a rung proves. */
export const rungMeanings: { readonly [rung in Rung]: string } = {
  bits: 'Draws, labels, splits, prepared data, files and metrics are equal to the last bit',
  'same graph':
    'The port’s own graph gives the same bits in Node and in a Python session: Node does not affect the results',
  float64: 'The same mathematics: no formula differs',
  float32:
    'The same values within the original’s own rounding noise, each step teacher-forced from the original’s weights',
  outcome:
    'The same distribution where single values cannot be equal: initial weights, scores of whole trainings over seeds',
};

/** What a reader must know about the witness before trusting a verdict. */
export function remarkOn({ kind }: Witness): string | undefined {
  if (kind === 'upstream') return undefined;
  const which =
    kind === 'reimplementation' ? 'this project’s own Python side' : 'a checkout other than the published one';
  return `The other side is ${which}: the verdict says nothing about the published code. To compare with that: npm run fetch-original, then --original original/upstream.`;
}

/** Facts about both sides as rows: name, port, original. */
export function sideFacts({ sides, data, seed }: Comparison): readonly (readonly [string, string, string])[] {
  const { hardware, port, original } = sides;
  const both = (name: string, text: string): [string, string, string] => [name, text, text];
  return [
    ['Language', `Node ${port.node}`, `Python ${original.python}`],
    ['TensorFlow', port.tensorflow, original.tensorflow],
    ['TensorFlow library', port.library.join(', ') || 'unknown', original.library.join(', ') || 'unknown'],
    ['Keras', '–', original.keras],
    ['NumPy, pandas', '–', `${original.numpy}, ${original.pandas}`],
    ['scikit-learn', '–', original.sklearn],
    ['wfdb, samplerate', '–', `${original.wfdb}, ${original.samplerate}`],
    ['oneDNN', 'as in the original (one library)', original.onednn ? 'on' : 'off'],
    ['GPUs', port.gpu ? 'in use' : 'none', original.gpus.join(', ') || 'none'],
    ['GPU parity mode', environment(port.parity), environment(original.parity)],
    // Python inherits the variable.
    both('Threads per operation', port.threads ?? 'left to TensorFlow'),
    both('Processor', `${hardware.processor}, ${hardware.cpus} CPUs`),
    both('Vector instructions', hardware.cpuFeatures.join(' ') || 'none known'),
    both('Memory', `${(hardware.memoryTotal / 1e9).toFixed(0)} GB`),
    both('System', hardware.platform),
    both('Data', `${data.kind}: ${data.names.join(', ') || 'no collection'}`),
    both('Seed', String(seed)),
  ];
}

/** Why free-running training is not a rung. */
export const freeRunningMeaning =
  'Free-running float32 training is chaotic on both sides, so it is shown beside the original’s own noise';

function environment(variables: { readonly [name: string]: string }): string {
  const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return set.join(' ') || 'off';
}
