import { markdownTable } from 'markdown-table';
import measured from './noise.json' with { type: 'json' };
import { type Family, families, familyLimits, type Quantity, quantities } from './tolerances.ts';

const titles: Readonly<Record<Family, string>> = {
  'resnet18 classifier': 'Classifiers on resnet18: finetuning, rhythm, beat, hr',
  'deeper classifier': 'Classifiers on resnet34 and resnet50',
  'resnet18 cpc': 'Contrastive predictive coding on resnet18',
  'deeper cpc': 'Contrastive predictive coding on resnet34 and resnet50',
};

/** docs/tolerances.md: every limit of a floating-point row with the noise that it derives from. */
export function tolerancesPage(): string {
  const { machine } = measured;
  const networks = Object.entries(measured.measured).map(([name, seeds]) => {
    return `- ${name}: seed${seeds.length === 1 ? '' : 's'} ${seeds.join(', ')}`;
  });
  const notCounted = measured.notCounted.map(({ network, seed, freeLosses, freeWeights }) => {
    return `- ${network}, seed ${seed}: the original's ten free-running losses part from themselves by ${freeLosses}, its weights by ${freeWeights}`;
  });
  return `# Limits of the comparison

Made by \`npm run tolerances\` from \`src/compare/tolerances.ts\` and \`src/compare/noise.json\`; do not edit.

A floating-point row of \`npm run compare\` passes if port and original differ by no more than its limit. Each limit is at most ten times a
measured *noise*: how far the original is from itself.

- **float32** (rungs of teacher-forced values): the original in float32 against the original in float64, from the same weights.
- **float64** (rung of the same mathematics): the original in float64 against itself with the records of each batch in reverse. That changes
  nothing but the order of sums.

Differences are relative to the original's array: in float32 the Euclidean length of the difference over that of the array, in float64 the worst
element over the largest magnitude; the worst array of a row counts. *Floor* is the share of the row's largest array to which the scale of a
smaller one is raised. It is for arrays that are zero in exact arithmetic, such as the gradient of the biases of attention's keys: they hold
rounding only, and rounding is of the size of its neighbours. Losses have one because a loss near zero carries the absolute rounding of its
logits.

In float32, gradients and moments share the larger noise of the two, and updates have no less. It comes from single roundings that turn a ReLU on or
off: rare, and large where they strike. In updates Adam adds to it: where a gradient is almost zero, rounding decides the direction of a step of
full length. No limit is above 0.5: from 1 on, a side that does nothing would pass. Wrong formulas are found by the float64 rung, whose limits on gradients are ten orders of magnitude smaller.

Free-running training has no limit in float32. It is chaotic: the report shows both sides' losses beside the original's own noise. In float64, ten
free-running steps have the limits below. They are tight for resnet18 and looser for deeper classifiers and contrastive predictive coding: each
step of Adam turns the rounding of gradients that are almost zero into steps of full length, and every layer passes it on. How far depends on where
the steps begin: from one start, ten losses of resnet50 part by 3e-8 if the original computes with one thread for two, from another by 1e-9. So
the suite \`training\` also measures the original's noise from the very start that it compares: once with the records of each batch in reverse, once
from weights that are one unit in the last place off. Where that is larger than the noise below, the limit derives from it, and the row says so.

bfloat16 has no limit either. Its distance from float32 on both sides is shown by the suite \`predictions\`.

${families.map(section).join('\n')}
## How the noise was measured

\`node --import tsx scripts/measure_noise.ts\`, on ${machine.cores} cores with TensorFlow ${machine.tensorflow}, oneDNN ${machine.onednn ? 'on' : 'off'}; batches of
\`src/compare/batches.ts\`. The largest value over:

${networks.join('\n')}

Not counted, since a limit made of it would let everything pass:

${notCounted.join('\n')}

Rows of the suite \`initialisers\` compare samples of random draws; their critical values stand in \`src/compare/suites/initialisers/suite.ts\`.
`;
}

function section(family: Family): string {
  const rows = (['float64', 'float32'] as const).flatMap((precision) =>
    Object.entries(familyLimits(family, precision)).map(([quantity, tolerance]) => {
      const { limit, noise, floor } = tolerance;
      const { what } = quantities[quantity as Quantity];
      const factor = (limit / noise).toFixed(1);
      return [precision, what, noise.toExponential(1), factor, limit.toExponential(1), String(floor ?? '')];
    }),
  );
  const table = markdownTable([['precision', 'of', 'noise', 'factor', 'limit', 'floor'], ...rows], {
    align: ['l', 'l', 'r', 'r', 'r', 'r'],
  });
  return `## ${titles[family]}\n\n${table}\n`;
}
