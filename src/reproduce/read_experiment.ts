import { type Experiment, experimentSchema } from '../experiment_schema.ts';
import { faultOf, readAnyJson } from '../lib/json/file.ts';
import { type JsonFault, throwFault } from '../lib/json/text.ts';
import { contradictionIn } from './check_experiment.ts';
import { type Expanded, expandExperiment, GridFault } from './grid.ts';

const what = 'the experiment';
const next = 'What an experiment may hold: docs/reproduce.md';

/**
 * Reads an experiment of the user: JSON as `experiment.schema.json` describes it, with its grids written out.
 *
 * @throws InputError that names the file and the place of the first fault or contradiction in it.
 */
export function readExperiment(file: string): Experiment {
  const { experiment, placeOf } = expanded(readAnyJson(file, { what, next }), file);
  const refuse = (fault: JsonFault): never =>
    throwFault({ ...fault, ...(fault.where && { where: placeOf(fault.where) }) }, file, next);
  const fault = faultOf(experiment, experimentSchema, what);
  if (fault) return refuse(fault);
  const checked = experiment as Experiment;
  const contradiction = contradictionIn(checked);
  return contradiction ? refuse(contradiction) : checked;
}

function expanded(value: unknown, file: string): Expanded {
  try {
    return expandExperiment(value);
  } catch (error) {
    if (error instanceof GridFault) return throwFault(error.fault, file, next);
    throw error;
  }
}
