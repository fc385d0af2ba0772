import { markdownTable } from 'markdown-table';
import type { Tolerance } from './closeness.ts';
import measured from './noise.json' with { type: 'json' };
import {
  type Family,
  families,
  familyLimits,
  type Quantity,
  quantities,
  replicaLimits,
  replicaQuantities,
  tapLimits,
} from './tolerances.ts';

const titles: Readonly<Record<Family, string>> = {
  'resnet18 classifier': 'Classifiers on resnet18: finetuning, rhythm, beat, hr',
  'deeper classifier': 'Classifiers on resnet34 and resnet50',
  'resnet18 cpc': 'Contrastive predictive coding on resnet18',
  'deeper cpc': 'Contrastive predictive coding on resnet34 and resnet50',
};

/** docs/tolerances.md: the limit of every floating-point row, with the noise from which it derives. */
export function tolerancesPage(): string {
  const { machine } = measured;
  const networks = Object.entries(measured.measured).map(([name, seeds]) => {
    return `- ${name}: ${seedsOf(seeds)}`;
  });
  const notCounted = measured.notCounted.map(({ network, seed, freeLosses, freeWeights }) => {
    return `- ${network}, seed ${seed}: two runs of the original differ by ${freeLosses} in ten free-running losses, and by ${freeWeights} in the weights`;
  });
  return `# Limits of the comparison

Made by \`npm run tolerances\` from \`src/compare/tolerances.ts\` and \`src/compare/noise.json\`; do not edit.

Look here for how much a floating-point row of \`npm run compare\` may differ. Each limit is at most ten times a measured *noise*, the distance of the
original from itself:

- **float32** (rung of teacher-forced values): the original in float32 against the original in float64, from the same weights.
- **float64** (rung of the same mathematics): the original in float64 against itself with the records of each batch in reverse order, which changes
  only the order of sums. In inference mode this changes nothing: for gradients with respect to the recordings, all weights are moved by one unit in
  the last place instead.

Differences are relative to the original's array. In float32 this is the Euclidean length of the difference divided by that of the array, in float64
the largest difference divided by the largest magnitude. The worst array of a row counts.

The *floor* is for arrays that are zero in exact arithmetic, such as the gradient of the biases of attention's keys. They contain only rounding, as
large as in neighbouring arrays. So their scale is raised to this share of the row's largest array. Losses have a floor because a loss near zero
carries the absolute rounding of its logits.

In float32, gradients, by weights and by recordings, and moments share the largest noise of the three, and updates have at least this noise. It comes from single roundings that turn a
ReLU on or off: they are rare, but have a large effect. In updates, Adam adds to it: if a gradient is almost zero, rounding decides the direction of a
step of full length. No limit is above 0.5, because from 1 on, a side that does nothing would pass. Wrong formulas are found by the float64 rung, whose
limits on gradients are ten orders of magnitude smaller.

Free-running float32 training has no limit, because it is chaotic: the report shows the losses of both sides beside the original's own noise. In
float64, ten free-running steps have the limits below. They are tight for resnet18, and looser for deeper classifiers and contrastive predictive coding:
each Adam step turns the rounding of gradients that are almost zero into steps of full length, and every layer amplifies it. How far depends on the
start: if the original computes with one thread instead of two, ten losses of resnet50 differ by 3e-8 from one start and by 1e-9 from another. So the
suite \`training\` also measures the original's noise from exactly the start that it compares: once with the records of each batch in reverse order, once
from weights that are off by one unit in the last place. If that noise is larger than the one below, the limit derives from it, and the row says so.

bfloat16 has no limit either. The suite \`predictions\` shows its distance from float32 on both sides.

${families.map(section).join('\n')}
## Several devices

The suite \`replicas\` trains resnet18 with one stage on two and three devices. The noise is the distance of tf_keras from itself if the samples of
each part are in reverse order (${seedsOf(measured.replicas.seeds)}, two and three devices). No limit is above 1e-12.

${replicaTable()}
## One product for each tap

In one case of the suite \`gradients\`, the port computes the gradient of every convolution's filters as one matrix product for each tap, and the original
as usual. That changes the order of sums, and nothing else. So the limits derive from the noise of the same network in another order of sums (${seedsOf(measured.taps.seeds)}). No limit in
float64 is above 1e-12.

${tapTable()}
## How the noise was measured

With \`node --import tsx scripts/measure_noise.ts\`, on ${machine.cores} cores with TensorFlow ${machine.tensorflow}, oneDNN ${machine.onednn ? 'on' : 'off'}, on the batches
of \`src/compare/batches.ts\`. The noise is the largest value over:

${networks.join('\n')}

Gradients with respect to the recordings were also measured with seeds 3 to 12 and 2021, on resnet18 and resnet34 classifiers.

Not counted, because a limit that derives from it would let everything pass:

${notCounted.join('\n')}

Learning rates of schedules may differ in float64 by ten units in the last place of the highest one, in float32 by five times the distance of Keras in
float32 from itself in float64, which the case measures.

Single operations and their gradients may differ in float64 by ten times what inputs one unit in the last place off change in TensorFlow, in float32 by five
times the distance of TensorFlow in float32 from itself in float64. The case measures both; no limit is above 1e-12 in float64, and above 1e-5 in float32.

Rows of the suite \`initialisers\` compare samples of random draws. Their critical values are in \`src/compare/suites/initialisers/suite.ts\`.
`;
}

function section(family: Family): string {
  const rows = (['float64', 'float32'] as const).flatMap((precision) =>
    Object.entries(familyLimits(family, precision)).map(([quantity, tolerance]) =>
      rowOf(precision, quantities[quantity as Quantity].what, tolerance),
    ),
  );
  return `## ${titles[family]}\n\n${tableOf(rows)}\n`;
}

function replicaTable(): string {
  const names = Object.keys(replicaLimits) as (keyof typeof replicaLimits)[];
  return tableOf(names.map((name) => rowOf('float64', replicaQuantities[name].what, replicaLimits[name])));
}

function tapTable(): string {
  const rows = (['float64', 'float32'] as const).flatMap((precision) =>
    (['losses', 'gradients'] as const).map((name) =>
      rowOf(precision, quantities[name].what, tapLimits[precision][name]),
    ),
  );
  return tableOf(rows);
}

function rowOf(precision: string, what: string, { limit, noise, floor }: Tolerance): string[] {
  const factor = (limit / noise).toFixed(1);
  return [precision, what, noise.toExponential(1), factor, limit.toExponential(1), String(floor ?? '')];
}

function tableOf(rows: readonly string[][]): string {
  return markdownTable([['precision', 'of', 'noise', 'factor', 'limit', 'floor'], ...rows], {
    align: ['l', 'l', 'r', 'r', 'r', 'r'],
  });
}

function seedsOf(seeds: readonly number[]): string {
  return `seed${seeds.length === 1 ? '' : 's'} ${seeds.join(', ')}`;
}
