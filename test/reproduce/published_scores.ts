/** Macro F1 and its spread as printed: DL4H's notebook (cells 40 to 85), Table 1 of the paper, and the abstract of Zhang et al. 2021. */
export const publishedScores: Readonly<Record<string, readonly [macroF1: number, std: number | undefined]>> = {
  'dl4h/af': [0.7361224341147975, undefined],
  'dl4h/beat': [0.7363092239280914, undefined],
  'dl4h/rhythm': [0.7077099640846096, undefined],
  'dl4h/hr': [0.7250877549790594, undefined],
  'dl4h/beat_random': [0.7110824093186333, undefined],
  'dl4h/ptbxl': [0.34088040135188563, undefined],
  'dl4h/ptbxl_random': [0.36170576887478095, undefined],
  'paper/random': [0.731, 0.019],
  'paper/beat-512': [0.769, 0.011],
  'paper/beat-2048': [0.779, 0.014],
  'paper/beat-4096': [0.768, 0.01],
  'transfer/random': [0.731, 0.019],
  'cpsc2018/resnet34': [0.813, undefined],
  'transfer/pretrained': [0.779, 0.014],
};
