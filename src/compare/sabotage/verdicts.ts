/** The result of inspecting a mutant that no case noticed. */
export interface MutantVerdict {
  /**
   * `equivalent`: no input can distinguish it from the port. `outside`: it changes something that the original does not have, such as a limit
   * against harmful files, a cache or a mark of a finished job, so there is nothing to compare it with. `gap`: the cases do not test this.
   */
  readonly is: 'equivalent' | 'outside' | 'gap';
  readonly because: string;
}

/** Verdicts by the mutant's id; a survivor without one counts as a gap. */
export const verdicts: { readonly [id: string]: MutantVerdict } = {
  'port/finetuning/trainer/sets.ts elements 31a274f7': {
    is: 'outside',
    because: 'which of two refusals comes first',
  },
  'port/transplant/datasets/icentia11k/labels.ts number c1d679d6': {
    is: 'equivalent',
    because: 'the last total is never used',
  },
  'graph/ops/filter_gradient.ts arithmetic 66177143': {
    is: 'equivalent',
    because: 'more rows of zeros than are needed',
  },
  'lib/python/gzip_writer.ts number 56810cb1': {
    is: 'outside',
    because: 'how many bytes are compressed on their own',
  },
  'port/transplant/datasets/physionet.ts statement 94925adc': {
    is: 'gap',
    because: 'the cases compare signals of PTB-XL and names of other collections',
  },
  'graph/kernel_speed.ts number e57a1b05': {
    is: 'outside',
    because: 'how much faster a kernel has to be, which the original does not measure',
  },
  'graph/kernels.ts elements 1cb2f4ec': {
    is: 'equivalent',
    because: 'the order of a list of kernels',
  },
  'graph/convolutions.ts elements df80d714': {
    is: 'equivalent',
    because: 'the order of the parts of a key',
  },
  'lib/numpy/sum.ts number 86b0911a': {
    is: 'equivalent',
    because: 'partial sums are added to the total more often',
  },
  'lib/json/fields.ts number 1fbf3da9': {
    is: 'outside',
    because: 'the length of recordings that is refused',
  },
  'lib/python/pickle_writer.ts number 347f6c26': {
    is: 'gap',
    because: 'no pickle of the cases repeats exactly its 257th object',
  },
  'lib/numpy/npz.ts number 4c4b1b77': {
    is: 'equivalent',
    because: 'yazl writes the first date of zip for every earlier one',
  },
  'port/finetuning/trainer.ts statement 69e6227d': {
    is: 'outside',
    because: 'which options are refused before a job begins',
  },
  'lib/csv/records.ts elements f2c55deb': {
    is: 'equivalent',
    because: 'neither end of a line begins with the other',
  },
  'lib/python/crc32.ts number a0ccd99d.1': {
    is: 'outside',
    because: 'a table for versions of Node that have no checksum of their own',
  },
  'port/finetuning/datasets.ts number bf9d9bd4': {
    is: 'gap',
    because: 'no case prepares a collection without records with a length of 0',
  },
  'jobs/devices.ts number 7ea3d787': {
    is: 'outside',
    because: 'which numbers of devices are refused; the original takes every GPU',
  },
  'port/finetuning/datasets/preparation.ts number 1c3789fa': {
    is: 'gap',
    because: 'no case pads recordings to the longest of which all are empty',
  },
  'graph/settings.ts equality 70fa13bb': {
    is: 'outside',
    because: 'which settings of TensorFlow a resumed job is held against',
  },
  'lib/thresholds.ts number ed800141': {
    is: 'equivalent',
    because: 'half of every F1, so the largest one is at the same threshold',
  },
  'lib/python/hashlib.ts number e050f4c9': {
    is: 'equivalent',
    because: 'the size of the pieces that are read',
  },
  'port/pretraining/trainer/folder.ts number 3eff1b08': {
    is: 'outside',
    because: 'a message about the description of a folder, which the original does not have',
  },
  'port/pretraining/trainer/folder.ts number e0f5d392': {
    is: 'outside',
    because: 'a message about the description of a folder, which the original does not have',
  },
  'port/pretraining/trainer/folder.ts equality fdea3fe1': {
    is: 'outside',
    because: 'what the description of a folder adds, which the original does not have',
  },
  'lib/csv/text.ts number f05d06ac': {
    is: 'outside',
    because: 'the size from which on a table is refused',
  },
  'port/transplant/datasets/icentia11k/sampling.ts number 1947862e': {
    is: 'outside',
    because: 'which patients are read ahead',
  },
  'graph/session.ts boolean a9401dff': {
    is: 'outside',
    because: 'whether a session can be freed twice',
  },
  'port/pretraining/trainer/sources.ts number 3a657772': {
    is: 'equivalent',
    because: 'no generator counts as one',
  },
  'lib/python/gzip.ts arithmetic 1642f7dc': {
    is: 'equivalent',
    because: 'the room that zlib gets at first',
  },
  'lib/python/pickle_feed.ts boundary fde6694b': {
    is: 'equivalent',
    because: 'bytes up to the end of a piece are copied instead of shared',
  },
  'port/transplant/datasets/physionet/listing.ts arguments a9283fc1': {
    is: 'outside',
    because: 'the place that a refusal names',
  },
  'port/transplant/datasets/physionet/listing.ts number 500f6b0b': {
    is: 'outside',
    because: 'which records a warning counts as unlabelled',
  },
  'graph/random.ts number bab8d854': {
    is: 'outside',
    because: 'draws of initial weights, which are the port’s own',
  },
  'lib/python/pickle_settle.ts condition ab3facc2': {
    is: 'outside',
    because: 'which objects are refused as values',
  },
  'jobs/inputs.ts boundary 11882443': {
    is: 'equivalent',
    because: 'no two files of a folder have the same name',
  },
  'lib/onnx/model.ts number 48dfe7d2': {
    is: 'outside',
    because: 'texts about an exported model, which the original does not have and onnxruntime does not use',
  },
  'lib/numpy/element_type.ts logic ca779d07': {
    is: 'outside',
    because: 'the memory that a refusal of large arrays reckons with',
  },
  'port/pretraining/trainer/sources.ts number 30fa5271': {
    is: 'gap',
    because: 'no job of the cases on a file leaves the size of a batch to the default',
  },
  'graph/fit.ts boundary 1f053073': {
    is: 'outside',
    because: 'when the state of a job is saved, which the original does not do',
  },
  'port/finetuning/trainer/sets.ts condition 167f1522': {
    is: 'outside',
    because: 'when a job warns of records with the same name',
  },
  'graph/ops/filter_gradient.ts number e4c8630b': {
    is: 'equivalent',
    because: 'the first row is where the slice begins without the mask, too',
  },
  'prepare/preprocessing.ts arguments c01c2c48': {
    is: 'outside',
    because: 'the checks of a file that the original does not have',
  },
  'lib/numpy/text.ts number 1f91456d': {
    is: 'equivalent',
    because: 'nine digits always suffice, so the loop ends with them or the line after it gives them',
  },
  'lib/numpy/text.ts number 46581bb9': {
    is: 'equivalent',
    because: 'the last number of digits is tried in the loop or after it',
  },
  'lib/samplerate/resample.ts number ddb1962a': {
    is: 'equivalent',
    because: 'the library gives no samples for none',
  },
  'port/pretraining/trainer/folder.ts elements 6193fcab': {
    is: 'outside',
    because: 'which of two missing files a refusal names',
  },
  'prepare/prepared_set.ts number 159f28f6': {
    is: 'outside',
    because: 'from which size on a set stays on disk; the original holds every set in memory',
  },
  'prepare/preprocessing.ts arguments 785a50b0': {
    is: 'outside',
    because: 'the order of checks of a file that the original does not have',
  },
  'lib/numpy/npy_header.ts equality 5e98f5a7': {
    is: 'equivalent',
    because: 'what is left of the header is filled with blanks either way',
  },
  'lib/numpy/element_type.ts number b0a954ca': {
    is: 'equivalent',
    because: 'the size of a pointer; the objects of an array lie in the pickle, not in its bytes',
  },
  'lib/sklearn/model_selection.ts elements c6e14409': {
    is: 'equivalent',
    because: 'which of two sizes a refusal names',
  },
  'port/pretraining/datasets/batch_stream.ts number 577137b0': {
    is: 'equivalent',
    because: 'how many batches are read ahead changes none of them',
  },
  'predict/predict.ts number 88a61810': {
    is: 'equivalent',
    because: 'a network is built for any number of records',
  },
  'lib/pandas/number_parser.ts number e02351c5': {
    is: 'equivalent',
    because: 'the division by ten to the 308 comes in two steps, the first by 1',
  },
  'lib/json/text.ts number fd1fbcf2': {
    is: 'outside',
    because: 'limits of JSON files, which the original does not read',
  },
  'lib/json/fields.ts number a4ad4051': {
    is: 'outside',
    because: 'a check of JSON files, which the original does not read',
  },
  'prepare/labels.ts number 2e82f13c': {
    is: 'outside',
    because: 'numbers of records by class, which the original does not tell',
  },
  'port/finetuning/trainer/sets.ts arithmetic 065903f9': {
    is: 'outside',
    because: 'a warning that the original does not give',
  },
  'port/finetuning/utils.ts boundary 97ca8747': {
    is: 'equivalent',
    because: '1 is 1 in either branch',
  },
  'lib/hdf5/reader.ts boundary 54b44a5c': {
    is: 'outside',
    because: 'a file of eight bytes, which is refused either way',
  },
  'lib/numpy/random.ts boundary ebef82b4': {
    is: 'equivalent',
    because: 'the element behind the last lies outside the typed array: writing it does nothing',
  },
  'lib/python/literal.ts number e481d275': {
    is: 'outside',
    because: 'the depth at which nested literals are refused',
  },
  'lib/wfdb/header.ts number 66b11aaf': {
    is: 'outside',
    because: 'a limit on the size of headers',
  },
  'jobs/devices.ts logic 871b131e': {
    is: 'outside',
    because: 'which numbers of devices are refused; the original takes every GPU',
  },
  'lib/decisions.ts boundary 2d426072': {
    is: 'equivalent',
    because: 'the row behind the last lies outside the typed arrays: reading it gives nothing, writing it does nothing',
  },
  'lib/slurm.ts logic 7054946d': {
    is: 'outside',
    because: 'jobs under Slurm, which the original does not know',
  },
  'graph/format_speed.ts number 11fdc08f': {
    is: 'outside',
    because: 'from which speed on --precision auto takes bfloat16',
  },
  'prepare/icentia11k/annotations.ts elements e5097be7': {
    is: 'outside',
    because: 'annotations are read for an addition, the WFDB form of Icentia11k',
  },
  'graph/random.ts arithmetic 6ccaf8e1': {
    is: 'outside',
    because: 'another generator of initial weights; the original has its own, and only distributions can be equal',
  },
  'port/transplant/datasets/icentia11k/labels.ts number 752bc701': {
    is: 'equivalent',
    because: 'the element before the first is none, and has no code',
  },
  'recordings/record_files.ts elements b861a0a3': {
    is: 'equivalent',
    because: 'a list of names; its order does not matter',
  },
  'prepare/collections.ts elements 49c4cd09': {
    is: 'equivalent',
    because: 'a list of classes whose scores are averaged; their order does not matter',
  },
  'lib/python/not_found.ts statement 1904127a': {
    is: 'outside',
    because: 'a proposal in a message, which the original does not give',
  },
  'prepare/ptb_xl.ts elements 8441046f': {
    is: 'equivalent',
    because: 'a list of what is allowed; its order shows in --help only',
  },
  'port/pretraining/trainer/options.ts elements d3f2d6d4': {
    is: 'equivalent',
    because: 'a list of what is allowed; its order shows in --help only',
  },
  'prepare/icentia11k/description.ts number 09b38b5d': {
    is: 'outside',
    because: 'a limit on segments in a file that the original does not have',
  },
  'jobs/job_files.ts arguments bbb94c1f': {
    is: 'outside',
    because: 'a check of config.json, which the original does not have',
  },
  'graph/precision.ts elements ca9e720d': {
    is: 'equivalent',
    because: 'a list of what is allowed; its order shows in --help only',
  },
  'lib/csv/text.ts boolean 63d1e23f': {
    is: 'outside',
    because: 'a refusal of texts that are not UTF-8',
  },
  'port/pretraining/datasets/batches.ts number 56b1490e': {
    is: 'equivalent',
    because: 'the generators of pretraining never end, so none is ever left alone',
  },
  'graph/eager.ts boolean 08a9369f': {
    is: 'equivalent',
    because: 'a variable that is freed is there',
  },
  'lib/numpy/npz.ts number 23c914a5': {
    is: 'equivalent',
    because: 'zip has no earlier date, so the first one is stored',
  },
  'port/pretraining/datasets/patients_ahead.ts number 467397a8': {
    is: 'outside',
    because: 'threads that unpack ahead; the original has none',
  },
  'port/pretraining/datasets/patients_ahead.ts number 0f54eadb': {
    is: 'outside',
    because: 'threads that unpack ahead; the original has none',
  },
  'lib/csv/records.ts number 42fe30b2': {
    is: 'outside',
    because: 'a limit on memory',
  },
  'port/transplant/datasets/physionet/listing.ts number a07b354b': {
    is: 'outside',
    because: 'a refusal of names that are not unique, which the original does not have',
  },
  'lib/numpy/convert.ts number 2a1b4724': {
    is: 'outside',
    because: 'floats that no integer of the type can hold, for which NumPy gives what the processor gives',
  },
  'lib/numpy/convert.ts number 82d4cae6': {
    is: 'outside',
    because: 'floats that no integer of the type can hold, for which NumPy gives what the processor gives',
  },
  'jobs/train.ts condition bb68d95f': {
    is: 'outside',
    because: 'a message that the original does not give',
  },
  'lib/python/hashlib.ts number 11536135': {
    is: 'outside',
    because: 'a checksum that only config.json holds',
  },
  'port/pretraining/trainer/patients.ts number 5244a640': {
    is: 'outside',
    because: 'a limit on the size of lists of patients',
  },
  'lib/python/gzip.ts arithmetic 745c440d': {
    is: 'outside',
    because: 'the largest piece that zlib is asked for, which only files of more than 2 GB reach',
  },
  'lib/wfdb/annotation.ts number 955e25c1': {
    is: 'outside',
    because:
      'annotations are read for an addition, the WFDB form of Icentia11k; test/lib/wfdb holds them against wfdb-python',
  },
  'lib/numpy/npy_header.ts logic 504280cc': {
    is: 'outside',
    because: 'a refusal of damaged files',
  },
  'port/pretraining/trainer/folder.ts condition 3909228c': {
    is: 'outside',
    because: 'a message about what a folder holds, which the original does not give',
  },
  'graph/losses.ts number 9e125707': {
    is: 'equivalent',
    because: 'the only axis, counted from the end',
  },
  'port/finetuning/trainer.ts statement c488cfaa': {
    is: 'outside',
    because: 'the mark of a finished job; the original has none, and test/jobs checks it',
  },
  'port/finetuning/trainer.ts arithmetic 908c62de': {
    is: 'outside',
    because: 'an order that only the comparison prescribes, in later epochs',
  },
  'lib/python/pickle_numpy.ts boolean afbaed3d': {
    is: 'outside',
    because: 'a refusal of texts that are not UTF-8',
  },
  'lib/python/literal.ts number 2a069bf2': {
    is: 'outside',
    because: 'one level less of the depth at which nested literals are refused',
  },
  'lib/python/pickle.ts statement a10dd368': {
    is: 'equivalent',
    because: 'what is gathered is given out a piece earlier, with the same bytes',
  },
  'port/pretraining/trainer/sources.ts number b2106cb2': {
    is: 'equivalent',
    because: 'how many batches are read ahead changes none of them',
  },
  'port/pretraining/trainer/sources.ts number 5d105c58': {
    is: 'outside',
    because: 'a message of jobs that are resumed, which the original cannot do',
  },
  'port/transplant/datasets/icentia11k/files.ts arithmetic 31220234': {
    is: 'equivalent',
    because: 'lists that are sorted already are sorted again, to the same order',
  },
  'graph/ops/elementwise.ts number f8a9c1ed': {
    is: 'equivalent',
    because: 'AddN of two tensors is their sum',
  },
  'lib/tensorflow/object_graph.ts number 9352b878': {
    is: 'gap',
    because: 'only a checkpoint whose layers have further names of their own shows it',
  },
  'port/pretraining/datasets/batch_stream.ts number 1060289a': {
    is: 'outside',
    because: 'a thread draws the batches instead; the original has no threads',
  },
  'lib/json/file.ts boolean 56c3b15b': {
    is: 'outside',
    because: 'how many faults of a JSON file are looked for; the original reads none',
  },
  'lib/json/text.ts number 5d31a101': {
    is: 'outside',
    because: 'a limit on the depth of JSON files, which the original does not read',
  },
  'lib/json/fields.ts number 3737ad9c': {
    is: 'outside',
    because: 'a limit on sampling rates',
  },
  'prepare/prepared_set.ts condition 9b21e2e4': {
    is: 'outside',
    because: 'the name of an unpacked set is removed; the original unpacks none',
  },
  'prepare/preprocessing.ts elements 5d0c85b3': {
    is: 'equivalent',
    because: 'a list of what is allowed; its order does not matter',
  },
  'lib/onnx/model.ts number 43ea7442': {
    is: 'outside',
    because: 'texts about an exported model, which the original does not have and onnxruntime does not use',
  },
  'port/transplant/datasets/icentia11k/labels.ts boundary 47a1ac28': {
    is: 'equivalent',
    because: 'the element behind the last lies outside the typed array: writing it does nothing',
  },
  'port/transplant/datasets/icentia11k/labels.ts boundary 82d0db38': {
    is: 'equivalent',
    because: 'a code behind the known ones would not be counted, and nothing reads its count',
  },
  'port/transplant/datasets/icentia11k/labels.ts boundary e78b37ba': {
    is: 'equivalent',
    because: 'the element behind the last lies outside the typed array: writing it does nothing',
  },
  'lib/numpy/ndarray.ts number 49b94403': { is: 'equivalent', because: 'bytes that are aligned are copied too' },
  'lib/python/pickle_settle.ts number 02ec421f': {
    is: 'outside',
    because: 'one item more counts towards a limit on the size of pickles',
  },
  'lib/hdf5/writer.ts statement 57c4ebec': {
    is: 'equivalent',
    because: 'a file in memory stays there until the process ends',
  },
  'port/finetuning/trainer/sets.ts number 3f582172': {
    is: 'outside',
    because: 'a warning that the original does not give',
  },
  'port/finetuning/trainer/sets.ts number b7c9b090': {
    is: 'outside',
    because: 'a warning that the original does not give',
  },
  'lib/wfdb/formats.ts number 79387da3.1': {
    is: 'outside',
    because: 'the range of a signal format serves its writing, which the original side does not do',
  },
  'lib/pandas/csv_reader.ts elements f3f24924': { is: 'equivalent', because: 'the list becomes a set' },
  'port/pretraining/datasets/batch_stream.ts statement a8fd2a17': {
    is: 'outside',
    because:
      'a batch that comes while nobody waits would be lost; in the cases each one is waited for, and the original has no threads',
  },
  'graph/builder.ts statement b2f157d1': { is: 'equivalent', because: 'a cache: the constant is made again' },
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
    is: 'outside',
    because: 'a thread that fails would be waited for; the original has no threads',
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
    is: 'outside',
    because: 'which libraries are mapped goes into config.json and to doctor, not into a result',
  },
  'lib/samplerate/resample.ts logic 6c6bcb63': {
    is: 'outside',
    because: 'only where the native library is missing or cannot be loaded',
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
  'lib/wfdb/header.ts condition 2fdced54': {
    is: 'outside',
    because: 'units beyond ASCII, of which wfdb-python reads only what is ASCII and the original nothing',
  },
  'lib/wfdb/formats.ts number fe5721c6.1': {
    is: 'outside',
    because: 'the range of a signal format serves its writing, which the original side does not do',
  },
  'port/transplant/tasks/utils.ts elements 2c6ad067': { is: 'equivalent', because: 'factors of a product' },
  'lib/numpy/sum.ts arguments 4ad6044f': {
    is: 'equivalent',
    because: 'the two terms of a sum',
  },
  'lib/json/text.ts number 605658f4': {
    is: 'outside',
    because: 'a limit on the size of JSON files, which the original does not read',
  },
  'graph/graph_def.ts number 032b498a': {
    is: 'outside',
    because: 'the oldest TensorFlow that accepts the graph; this one does either way',
  },
  'jobs/job.ts statement 007e5091': {
    is: 'outside',
    because: 'the mark of a finished job; the original has none, and test/jobs checks it',
  },
  'graph/ops/softmax.ts number 3925f484': {
    is: 'equivalent',
    because: 'the only axis, counted from the end',
  },
  'port/transplant/datasets/icentia11k/files.ts boundary 24065d6c': {
    is: 'equivalent',
    because: 'positions that are equal are sorted again, to the same order',
  },
  'lib/hdf5/reader.ts number 223568d8': {
    is: 'outside',
    because: 'half the depth at which nested groups are refused',
  },
  'lib/numpy/random.ts number 1d557a95': {
    is: 'equivalent',
    because: 'the first element is exchanged with itself, without a draw',
  },
  'lib/hdf5/group.ts statement 934a7ba2': {
    is: 'outside',
    because: 'a refusal of damaged files',
  },
  'port/transplant/utils/predictions.ts boundary 02e039cd': {
    is: 'equivalent',
    because: 'the element behind the last lies outside the typed array: writing it does nothing',
  },
  'jobs/devices.ts boundary 9c92233d': {
    is: 'outside',
    because: 'the largest number of devices that --devices accepts',
  },
  'port/finetuning/trainer/sets.ts equality 6c0eb4ec': {
    is: 'outside',
    because: 'splits by patient are an addition',
  },
  'port/finetuning/trainer/sets.ts boundary 840df80f': {
    is: 'outside',
    because: 'a warning that the original does not give',
  },
  'graph/session.ts elements 3eaebf46': {
    is: 'equivalent',
    because: 'a list of names; its order does not matter',
  },
  'lib/wfdb/annotation.ts number 32ce5b03': {
    is: 'outside',
    because:
      'annotations are read for an addition, the WFDB form of Icentia11k; test/lib/wfdb holds them against wfdb-python',
  },
  'graph/random.ts number cc5e35ad': {
    is: 'outside',
    because: 'another generator of initial weights; the original has its own, and only distributions can be equal',
  },
  'graph/runtime.ts statement c149e79c': {
    is: 'equivalent',
    because: 'on Node 20 and 22, which have util.isNullOrUndefined themselves; tests run on newer ones too',
  },
  'port/pretraining/datasets/batch_stream.ts equality da50f55d': {
    is: 'outside',
    because: 'a thread that ends by itself; the original has no threads',
  },
  'port/pretraining/datasets/batch_stream.ts number ae55cfe6': {
    is: 'equivalent',
    because: 'how many batches are read ahead changes none of them',
  },
  'lib/json/fields.ts number f0623000': {
    is: 'outside',
    because: 'a limit on the size of recordings',
  },
  'port/transplant/datasets/physionet/listing.ts number 4011355e.1': {
    is: 'equivalent',
    because: 'only the sign counts in a comparison',
  },
  'port/transplant/datasets/physionet/listing.ts number c5663f0f': {
    is: 'outside',
    because: 'a warning that the original does not give',
  },
  'jobs/inputs.ts number 0514a7ef.1': {
    is: 'equivalent',
    because: 'only the sign counts in a comparison',
  },
  'lib/keras/callbacks.ts statement a5e5d9ec': {
    is: 'outside',
    because: 'a message of a training; the port has its own wording',
  },
  'lib/keras/callbacks.ts number e515a234': {
    is: 'outside',
    because: 'a message of a training; the port has its own wording',
  },
  'graph/element_type.ts number 0333e26e': {
    is: 'equivalent',
    because: 'no operation of the port takes or gives a tensor of this type',
  },
  'lib/hdf5/group.ts number 166a0ceb': {
    is: 'outside',
    because: 'a limit on the length of names in a file, which HDF5 does not have',
  },
  'lib/numpy/text.ts boundary 4193cf86': {
    is: 'equivalent',
    because:
      'with the largest number of digits every number reads back as itself, so the last pass returns what the line behind the loop returns',
  },
  'lib/tensorflow/table.ts number dd275f63': {
    is: 'equivalent',
    because: 'the first key of a block shares nothing with a key before it',
  },
  'lib/numpy/sum.ts number c0bee090': {
    is: 'equivalent',
    because: 'the element before the first lies outside the typed array: adding to it does nothing',
  },
  'port/transplant/datasets/icentia11k/files.ts arguments e38fa706': {
    is: 'outside',
    because: 'which file and member a refusal names',
  },
  'lib/csv/records.ts number c65b07f3': { is: 'outside', because: 'a limit on memory' },
  'lib/json/text.ts number 6c01ee0c': {
    is: 'outside',
    because: 'a limit on the size of JSON files, which the original does not read',
  },
  'port/pretraining/trainer/sources.ts number 7440192f': {
    is: 'outside',
    because: 'the port shuffles training frames by draws of its own',
  },
  'lib/sklearn/metrics.ts arithmetic aa99383b': {
    is: 'equivalent',
    because: 'behind the last score is none, and none equals it',
  },
  'graph/random.ts bits 9d293e4e': {
    is: 'outside',
    because: 'another generator of initial weights; the original has its own, and only distributions can be equal',
  },
  'port/pretraining/datasets/patients_ahead.ts logic 4dd73d8c': {
    is: 'outside',
    because: 'when threads unpack ahead; the original has none',
  },
  'port/pretraining/datasets/patients_ahead.ts condition 8fba8304': {
    is: 'outside',
    because: 'when threads unpack ahead; the original has none',
  },
  'port/transplant/datasets/physionet/listing.ts arguments 2f41f743': {
    is: 'outside',
    because: 'which file and line a refusal names',
  },
  'lib/python/pickle_numpy.ts number 8a14fbbe': { is: 'outside', because: 'a limit against harmful files' },
  'graph/ops/filter_gradient.ts number 3fcbf1b2.2': {
    is: 'equivalent',
    because: 'the masks make TensorFlow ignore this number',
  },
  'graph/ops/pooling.ts number c6771617.1': {
    is: 'equivalent',
    because: 'a stride along the height of the image, which is 1',
  },
  'lib/hdf5/reader.ts statement 2791d360': { is: 'outside', because: 'a refusal of damaged files' },
  'lib/python/pickle_settle.ts number 5a0c3e76': {
    is: 'outside',
    because: 'how much work a value counts for, against harmful files',
  },
  'lib/python/hashlib.ts number 7f8608c2': {
    is: 'outside',
    because: 'digests of files, which the original does not write',
  },
  'lib/wfdb/annotation.ts number fd178479': {
    is: 'outside',
    because:
      'annotations are read for an addition, the WFDB form of Icentia11k; test/lib/wfdb holds them against wfdb-python',
  },
  'lib/sklearn/class_weight.ts number 61039274': {
    is: 'outside',
    because: 'the weight of a class without samples, for which scikit-learn has none',
  },
  'jobs/job_files.ts elements b8f505c4': {
    is: 'equivalent',
    because: 'a list of what is allowed; its order does not matter',
  },
  'jobs/augmentation.ts number 787fb5ed': {
    is: 'outside',
    because: 'how strong a change is unless its strength is given; the original changes no recordings',
  },
  'port/pretraining/trainer.ts condition 99170aa0': {
    is: 'equivalent',
    because: 'every epoch is saved, whatever is monitored',
  },
  'lib/json/fields.ts number c59aaf4d': {
    is: 'outside',
    because: 'a check of JSON files, which the original does not read',
  },
  'jobs/job_model.ts number 26f4ca0a': { is: 'outside', because: 'a limit on the size of recordings' },
  'port/finetuning/trainer.ts arguments a9849554': {
    is: 'outside',
    because: 'progress and interruption of predictions',
  },
  'prepare/preprocessing.ts arguments 226f164a': {
    is: 'outside',
    because: 'the order of checks of a file that the original does not have',
  },
  'prepare/icentia11k/description.ts number 1d4fdf3e': {
    is: 'outside',
    because: 'a check of a file that the original does not have',
  },
  'lib/slurm.ts condition dd830e00': { is: 'outside', because: 'jobs under Slurm, which the original does not know' },
  'port/pretraining/trainer/folder.ts logic d528c458': {
    is: 'outside',
    because: 'which patients a converted folder names, in a file that the original does not have',
  },
  'lib/csv/table.ts arguments 611f3935': { is: 'outside', because: 'a limit on memory' },
  'jobs/train.ts number cc034884': {
    is: 'outside',
    because: 'how often a job saves its state, which the original does not',
  },
  'lib/json/file.ts arguments d5aefe0d': {
    is: 'outside',
    because: 'limits of JSON files, which the original does not read',
  },
  'port/finetuning/trainer/options.ts statement 0082d3b4': {
    is: 'outside',
    because: 'a check of options that the original does not have',
  },
  'port/finetuning/trainer/options.ts equality 8a4c8196': {
    is: 'outside',
    because: 'a check of options that the original does not have',
  },
  'port/finetuning/trainer/options.ts logic 38f962e5': {
    is: 'outside',
    because: 'a check of options that the original does not have',
  },
  'recordings/record_files.ts elements 47a3e9a7': {
    is: 'equivalent',
    because: 'a list of names; its order does not matter',
  },
  'recordings/leads.ts elements 57d4d8c9': {
    is: 'outside',
    because: 'names of leads in files that the original cannot read',
  },
  'lib/numpy/sum.ts arguments 217f44a6': { is: 'equivalent', because: 'terms of a sum of two' },
  'lib/numpy/sum.ts arguments 2b7ac948': { is: 'equivalent', because: 'terms of a sum of two' },
  'lib/wfdb/formats.ts arithmetic fdc55618': {
    is: 'outside',
    because: 'the range of a signal format serves its writing, which the original side does not do',
  },
  'port/transplant/datasets/icentia11k/files.ts number e8bbfaf1': {
    is: 'equivalent',
    because: 'the element before the first is none, and is not less than any',
  },
  'graph/ops/softmax.ts elements 0a73cd00': { is: 'equivalent', because: 'equality holds in both directions' },
  'lib/onnx/model.ts number 8893d695.1': {
    is: 'outside',
    because: 'shapes that an exported model states, which the original does not have',
  },
  'port/pretraining/trainer/patients.ts arithmetic e68538b5': {
    is: 'outside',
    because: 'a limit on the size of lists of patients',
  },
  'predict/attribution.ts number 2f051440': {
    is: 'equivalent',
    because: 'the element before the first lies outside the typed array: adding to it does nothing',
  },
  'port/transplant/datasets/icentia11k/labels.ts statement c71020ab': {
    is: 'equivalent',
    because: 'a code behind the known ones would not be counted, and nothing reads its count',
  },
  'lib/sklearn/metrics.ts arithmetic 5ac8a2e3': {
    is: 'equivalent',
    because: 'the last point counts as a bend, because behind it is none',
  },
  'lib/python/pickle.ts number c8403b0f.1': { is: 'equivalent', because: 'a piece of no bytes more' },
  'lib/wfdb/signal.ts number 40c5c96c': { is: 'equivalent', because: 'zeros behind the samples that nothing reads' },
  'port/transplant/utils/predictions.ts number 701901fb': {
    is: 'equivalent',
    because: 'the element before the first lies outside the typed array: writing it does nothing',
  },
  'lib/sklearn/model_selection.ts number 4011355e.1': {
    is: 'equivalent',
    because: 'only the sign counts in a comparison',
  },
  'graph/random.ts bits 26f03c30': {
    is: 'outside',
    because: 'another generator of initial weights; the original has its own, and only distributions can be equal',
  },
  'lib/sklearn/class_weight.ts number 31475305': {
    is: 'outside',
    because: 'the weight of a class without samples, for which scikit-learn has none',
  },
};
