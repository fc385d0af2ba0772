/** The result of inspecting a mutant that no case noticed. */
export interface MutantVerdict {
  /** `equivalent`: no input can distinguish it from the port. `gap`: the cases do not test this. */
  readonly is: 'equivalent' | 'gap';
  readonly because: string;
}

/** Verdicts by the mutant's id; a survivor without one counts as a gap. */
export const verdicts: { readonly [id: string]: MutantVerdict } = {
  'port/pretraining/datasets/generators.ts number c7b9cc68': {
    is: 'gap',
    because: 'one generator takes all patients either way; no case has several (--data-parallelism)',
  },
  'lib/wfdb/formats.ts number 79387da3.1': {
    is: 'gap',
    because: 'the range of a signal format serves its writing, which the original side does not do',
  },
  'lib/pandas/csv_reader.ts elements f3f24924': { is: 'equivalent', because: 'the list becomes a set' },
  'port/transplant/datasets/icentia11k.ts number 30df8cb2': {
    is: 'gap',
    because: 'the length of a segment as published is for information; nothing reads it',
  },
  'port/pretraining/datasets/batch_stream.ts statement a8fd2a17': {
    is: 'gap',
    because: 'a batch that comes while nobody waits would be lost; in the cases each one is waited for',
  },
  'lib/wfdb/header.ts arithmetic b341b42a': {
    is: 'gap',
    because: 'no header of the cases says -0, the only number for which it matters',
  },
  'lib/tensorflow/object_graph.ts number 0b66977c': {
    is: 'gap',
    because: 'the name of a variable beside its key is for display; TensorFlow finds values by their keys',
  },
  'graph/ops/elementwise.ts number 0efde991': {
    is: 'gap',
    because:
      'the gradients of a tensor that is used three times would lose one; no network of the original has one, test/graph/gradients.test.ts has',
  },
  'graph/builder.ts statement b2f157d1': { is: 'equivalent', because: 'a cache: the constant is made again' },
  'port/transplant/modules/attn_pool.ts arithmetic 7e6111d0': {
    is: 'gap',
    because: 'only the refusal of more than 512 steps depends on it',
  },
  'graph/runtime.ts statement c2fab6ba': {
    is: 'equivalent',
    because: 'on Node 20 and 22, which have util.isArray themselves; tests run on newer ones too',
  },
  'lib/python/pickle_settle.ts arguments 022969a7': {
    is: 'equivalent',
    because: 'what a pickle shares is settled again, to the same values',
  },
  'lib/numpy/text.ts arithmetic aced5bdc': {
    is: 'equivalent',
    because: 'with all its digits every number reads back, so the search ends there by itself',
  },
  'lib/python/pickle.ts number 76301dc8': {
    is: 'equivalent',
    because: 'what waits before a large piece is its opcode and its length, never a single byte',
  },
  'lib/hdf5/reader.ts arguments ad629920': {
    is: 'equivalent',
    because: 'both are for the message of a refusal',
  },
  'port/finetuning/trainer/best_model.ts elements 9ded7892': {
    is: 'equivalent',
    because: 'a list of what is allowed; its order shows in --help only',
  },
  'port/pretraining/datasets/batch_stream.ts statement 812c68e4': {
    is: 'gap',
    because: 'a thread that fails would be waited for; none of the cases makes one fail',
  },
  'graph/ops/elementwise.ts elements db84c013': {
    is: 'equivalent',
    because: 'each gradient goes to its own tensor, in whatever order they are told',
  },
  'graph/ops/pooling.ts number d4d4544a.1': {
    is: 'equivalent',
    because: 'the image has one row: with padding SAME a window of two rows sees the same',
  },
  'lib/pandas/number_parser.ts number 8f4ab458': {
    is: 'equivalent',
    because: 'ten to the 309 is infinite either way',
  },
  'lib/tensorflow/checkpoint.ts number 23009a0f': {
    is: 'equivalent',
    because: 'a space in octal is the same text',
  },
  'lib/tensorflow/libraries.ts condition d7ebf43f': {
    is: 'gap',
    because: 'which libraries are mapped goes into config.json and to doctor, not into a result',
  },
  'lib/samplerate/resample.ts logic 6c6bcb63': {
    is: 'gap',
    because: 'only where the native library is missing or cannot be loaded',
  },
  'port/transplant/modules/attn_pool.ts number 96859629': {
    is: 'gap',
    because: 'only the refusal of more than 512 steps depends on it',
  },
  'lib/decisions.ts number d5d3bbd7': {
    is: 'equivalent',
    because:
      'the row before the first lies outside the typed arrays: reading it gives nothing, writing it does nothing',
  },
  'port/transplant/datasets/physionet/normalization.ts number d87e5ea5': {
    is: 'equivalent',
    because: 'the element before the first lies outside the typed array: writing it does nothing',
  },
  'lib/wfdb/header.ts condition 2fdced54': { is: 'gap', because: 'no header of the cases has units beyond ASCII' },
  'lib/wfdb/formats.ts number fe5721c6.1': {
    is: 'gap',
    because: 'the range of a signal format serves its writing, which the original side does not do',
  },
  'lib/numpy/npy_header.ts number 082f6eae': {
    is: 'gap',
    because: 'only a header of the greatest length shows it; no file of the cases has one',
  },
  'port/transplant/tasks/utils.ts elements 2c6ad067': { is: 'equivalent', because: 'factors of a product' },
};
