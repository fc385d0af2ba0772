/**
 * Weights that make all classes count the same: samples / (classes · samples of the class). A class without samples is not counted, and its
 * weight is 1. Twin of `sklearn.utils.class_weight.compute_class_weight('balanced')`, to the last bit, for the classes that have samples.
 *
 * @param counts samples of each class.
 */
export function balancedClassWeights(counts: readonly number[]): number[] {
  const samples = counts.reduce((sum, count) => sum + count, 0);
  const present = counts.filter((count) => count > 0).length;
  return counts.map((count) => (count > 0 ? samples / (present * count) : 1));
}
