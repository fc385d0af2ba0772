import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import { safeParse } from 'valibot';
import { describe, expect, it } from 'vitest';
import { definitions, experimentFileSchema, experimentSchema } from '../src/experiment_schema.ts';
import { experiments } from '../src/experiments.ts';
import { faultOf } from '../src/lib/json/file.ts';
import { root } from './shared_data.ts';

describe('experimentSchema', () => {
  it.each(Object.values(experiments))('describes the profile $name, also as a file', (experiment) => {
    expect(faultOf(experiment, experimentSchema)).toBeUndefined();
    expect(safeParse(experimentFileSchema, experiment).issues).toBeUndefined();
  });

  it('names a field that it does not have, and the one that was meant', () => {
    const { quick } = experiments;
    const [job, ...jobs] = quick.finetuning;
    const wrong = { ...quick, finetuning: [{ ...job, batchsize: 3 }, ...jobs] };
    expect(faultOf(wrong, experimentSchema, 'the experiment')).toEqual({
      summary: 'the experiment has an unknown field',
      where: 'finetuning[0].batchsize',
      got: '"batchsize"',
      expected: expect.stringContaining('set, weights, arch, batchSize'),
      hint: 'Did you mean batchSize?',
    });
  });
});

describe('examples/data_efficiency.json', () => {
  const text = readFileSync(join(root, 'examples', 'data_efficiency.json'), 'utf8');

  it('fits the schema of experiment files', () => {
    expect(safeParse(experimentFileSchema, JSON.parse(text)).issues).toBeUndefined();
  });

  it('is what docs/reproduce.md shows', () => {
    expect(readFileSync(join(root, 'docs', 'reproduce.md'), 'utf8')).toContain(`\`\`\`json\n${text}\`\`\`\n`);
  });
});

describe('experiment.schema.json', () => {
  const file = join(root, 'src', 'experiment.schema.json');

  it('is the schema of an experiment file, written as JSON Schema', async () => {
    const options = { target: 'draft-2020-12', errorMode: 'ignore', definitions } as const;
    const text = `${JSON.stringify(toJsonSchema(experimentFileSchema, options), null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(file);
  });

  it('explains its fields', () => {
    const { properties } = JSON.parse(readFileSync(file, 'utf8'));
    expect(properties.margin.description).toContain('below which two jobs count as equal');
    expect(properties.finetuning.items.anyOf[1].properties.for.description).toContain(
      'one job is made for each combination',
    );
  });
});
