import { asType } from '../graph/arrays.ts';
import type { Session } from '../graph/session.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { readWeights, writeWeights } from './files.ts';
import { type AdamState, adamVariables, loadForFinetuning, loadWeights, type Match } from './loading.ts';

/**
 * Writes a session's weights and the state of its optimiser to a `.weights.h5` file. If several devices hold moving statistics of their own,
 * their mean is written. Twin of `keras.Model.save_weights`.
 */
export async function saveSession(session: Session, path: string): Promise<void> {
  const values = session.readMean();
  const specs = session.model.weights;
  const value = (name: string): NdArray => values.get(name)!;
  const trainable = specs.filter((spec) => spec.trainable);
  const iterations = value('optimizer/vars/0').data[0] as bigint;
  const state: AdamState = {
    iterations,
    learningRate: Math.fround(session.learningRate),
    moments: new Map(
      trainable.map(({ path: name }, i) => [
        name,
        { m: value(`optimizer/vars/${2 + 2 * i}`), v: value(`optimizer/vars/${3 + 2 * i}`) },
      ]),
    ),
  };
  const weights = specs.map(({ path: name }) => ({ path: name, ...value(name) }));
  await writeWeights(path, session.model, weights, { optimizer: adamVariables(state, trainable) });
}

/**
 * Loads weights into a classifier: those of a whole classifier, or of a backbone; the head then keeps its values (Quirk Q35). The state of
 * the optimiser does not change. Throws a ValueError, before anything is assigned, if the file does not fit.
 */
export function loadIntoClassifier(session: Session, path: string): Match & { readonly target: 'backbone' | 'model' } {
  const match = loadForFinetuning(readWeights(path), session.model.weights);
  assignWeights(session, match);
  return match;
}

/**
 * Loads the weights of a whole model. The state of the optimiser does not change, as in Keras, which builds the optimiser at the first step.
 * Throws a ValueError, before anything is assigned, if the file does not fit.
 */
export function loadIntoModel(session: Session, path: string): Match {
  const match = loadWeights(readWeights(path), session.model.weights);
  assignWeights(session, match);
  return match;
}

function assignWeights(session: Session, { assigned }: Match): void {
  const types = new Map(session.model.variables.map(({ name, dtype }) => [name, dtype]));
  session.assign(new Map(assigned.map((weight) => [weight.path, asType(weight, types.get(weight.path)!)])));
}
