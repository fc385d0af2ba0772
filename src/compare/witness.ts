/** What stands on the other side of a comparison. */
export interface Witness {
  readonly kind: 'upstream' | 'checkout' | 'reimplementation';
  /** First line of a verdict, such as `upstream c255af5 (tree 1f0c…)`. */
  readonly title: string;
  /** SHA-256 over the paths and contents of the three packages' Python files. */
  readonly digest: string;
  readonly folder: string;
  readonly keras: 'keras 3' | 'tf_keras';
}
