/** Figures that the DL4H reproduction (github.com/ericcj24/DL4H, 2024) printed, and figures computed from its result files. */

/** Metrics of one file of predictions, computed from it with scikit-learn 1.4.2 and NumPy 1.26.4. */
export interface PartFigures {
  readonly f1: number;
  /** At the threshold 0.5. */
  readonly multiF1: number;
  /** Accuracy by the most probable class; element by element at 0.5 if a record can have several labels. */
  readonly accuracy: number;
  /** Null: a class does not occur. */
  readonly auc: number | null;
  readonly fMax: number;
  /** Threshold of `fMax`, times 99. */
  readonly fMaxStep: number;
}

/** `acc`, `loss`, `val_acc`, `val_loss` of an epoch, as the notebook prints them. */
type PrintedEpoch = readonly [epoch: number, acc: string, loss: string, valAcc: string, valLoss: string];

/** A finetuning job and its known figures. */
export interface PublishedJob {
  /** Folder `<name>_classification`. */
  readonly name: string;
  readonly dataSet: 'cinc2017' | 'ptbxl';
  readonly parts: Readonly<Partial<Record<'train' | 'val' | 'test', PartFigures>>>;
  /** Records of train, val and test. */
  readonly records: readonly [number, number, number];
  /** Macro F1 of the test part as the notebook prints it, by cell. */
  readonly printedF1: Readonly<Record<number, string>>;
  /** F1 of each class of the test part, five decimals. */
  readonly f1ByClass?: readonly string[];
  readonly epochs: number;
  /** The first epoch, that with the lowest validation loss, the last. */
  readonly history: readonly PrintedEpoch[];
}

const challenge17 = { dataSet: 'cinc2017', records: [6395, 427, 1706] } as const;
const ptbXl = { dataSet: 'ptbxl', records: [3943, 1052, 4206], epochs: 20 } as const;

export const publishedJobs: readonly PublishedJob[] = [
  {
    ...challenge17,
    name: 'af',
    parts: {
      test: {
        f1: 0.7361224341147975,
        multiF1: 0.7299115717838178,
        accuracy: 0.8305978898007034,
        auc: 0.9431832723110818,
        fMax: 0.8515929830554336,
        fMaxStep: 20,
      },
      val: {
        f1: 0.7449580928989472,
        multiF1: 0.7209574690130873,
        accuracy: 0.8430913348946136,
        auc: 0.9407384821553233,
        fMax: 0.8651031725826116,
        fMaxStep: 25,
      },
    },
    printedF1: { 40: '0.7361224341147975', 63: '0.7361224341147975' },
    f1ByClass: ['0.72026', '0.89712', '0.74378', '0.58333'],
    epochs: 78,
    history: [
      [0, '0.630023', '0.870002', '0.627635', '0.850616'],
      [27, '0.868491', '0.350070', '0.843091', '0.461898'],
      [77, '1.000000', '0.000581', '0.817330', '1.168706'],
    ],
  },
  {
    ...challenge17,
    name: 'beat',
    parts: {
      test: {
        f1: 0.7363092239280915,
        multiF1: 0.7247526121411166,
        accuracy: 0.8352872215709262,
        auc: 0.9439700572876202,
        fMax: 0.8533451184713631,
        fMaxStep: 26,
      },
      val: {
        f1: 0.7146458047523224,
        multiF1: 0.7102125221973993,
        accuracy: 0.819672131147541,
        auc: 0.9416640372695293,
        fMax: 0.8505996345574799,
        fMaxStep: 28,
      },
    },
    printedF1: { 55: '0.7363092239280914', 60: '0.736309' },
    f1ByClass: ['0.68966', '0.90395', '0.74378', '0.60784'],
    epochs: 73,
    history: [
      [0, '0.622987', '0.868146', '0.637002', '0.882434'],
      [22, '0.856607', '0.385832', '0.819672', '0.465698'],
      [72, '1.000000', '0.001480', '0.836066', '1.105636'],
    ],
  },
  {
    ...challenge17,
    name: 'rhythm',
    parts: {
      test: {
        f1: 0.7077099640846096,
        multiF1: 0.7085519966336407,
        accuracy: 0.82063305978898,
        auc: 0.9353338600202965,
        fMax: 0.8476027080305379,
        fMaxStep: 23,
      },
    },
    printedF1: { 73: '0.7077099640846096' },
    f1ByClass: ['0.61132', '0.90038', '0.72265', '0.59649'],
    epochs: 70,
    history: [
      [0, '0.609539', '0.912790', '0.672131', '0.763901'],
      [19, '0.841751', '0.415193', '0.829040', '0.430399'],
      [69, '0.999844', '0.002679', '0.840749', '0.954260'],
    ],
  },
  {
    ...challenge17,
    name: 'hr',
    parts: {
      test: {
        f1: 0.7250877549790594,
        multiF1: 0.7089927842451393,
        accuracy: 0.828253223915592,
        auc: 0.9411105364577431,
        fMax: 0.8467110056591857,
        fMaxStep: 20,
      },
    },
    printedF1: { 68: '0.7250877549790594' },
    f1ByClass: ['0.68864', '0.90110', '0.71445', '0.59615'],
    epochs: 20,
    history: [
      [0, '0.623299', '0.857005', '0.660422', '0.810247'],
      [19, '0.855512', '0.381526', '0.822014', '0.488030'],
    ],
  },
  {
    ...challenge17,
    name: 'beat_random',
    parts: {
      test: {
        f1: 0.7110824093186333,
        multiF1: 0.7046362652402803,
        accuracy: 0.828253223915592,
        auc: 0.938857889633943,
        fMax: 0.8464717099149393,
        fMaxStep: 29,
      },
    },
    printedF1: { 60: '0.711082' },
    f1ByClass: ['0.67114', '0.90415', '0.73571', '0.53333'],
    epochs: 73,
    history: [
      [0, '0.612041', '0.928306', '0.599532', '0.828905'],
      [22, '0.852228', '0.392898', '0.836066', '0.439715'],
      [72, '0.995465', '0.018203', '0.807963', '1.106601'],
    ],
  },
  {
    ...ptbXl,
    name: 'ptbxl',
    parts: {
      test: {
        f1: 0.34088040135188563,
        multiF1: 0.34002013290642213,
        accuracy: 0.9829806625455698,
        auc: 0.8819779486619915,
        fMax: 0.9068254623855748,
        fMaxStep: 27,
      },
    },
    printedF1: { 81: '0.34088040135188563', 85: '0.34088' },
    history: [
      [0, '0.964579', '0.106789', '0.972513', '0.083766'],
      [4, '0.984170', '0.054011', '0.983682', '0.054942'],
      [19, '0.988566', '0.037066', '0.819708', '1.157846'],
    ],
  },
  {
    ...ptbXl,
    name: 'ptbxl_random',
    parts: {
      test: {
        f1: 0.36170576887478095,
        multiF1: 0.344183746362208,
        accuracy: 0.9846449516563639,
        auc: 0.9120591017013143,
        fMax: 0.9150593660072857,
        fMaxStep: 24,
      },
      val: {
        f1: 0.42569641788496154,
        multiF1: 0.3306915105794985,
        accuracy: 0.985424588086185,
        auc: null,
        fMax: 0.9195252012091052,
        fMaxStep: 18,
      },
    },
    printedF1: { 85: '0.361706' },
    history: [
      [0, '0.963691', '0.113486', '0.971404', '0.089045'],
      // Cell 85 calls its training accuracy of epoch 4 that of the end.
      [4, '0.981676', '', '', ''],
      [10, '0.984741', '0.051684', '0.985425', '0.051471'],
      [19, '0.986896', '0.041065', '0.850444', '0.649370'],
    ],
  },
];
