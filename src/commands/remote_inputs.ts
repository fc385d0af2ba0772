import { InputError } from '../errors.ts';
import { type Reporter, reporterFor } from '../events.ts';
import { fetchFile, fetchFolder } from '../fetch/remote.ts';
import { bestModelFile, modelFile } from '../jobs/job_model.ts';
import { thresholdsFile } from '../jobs/job_thresholds.ts';
import { type Address, isAddress, readAddress } from '../lib/address.ts';
import { fileKind } from '../lib/file_kind.ts';
import { preprocessingFile } from '../prepare/preprocessing.ts';

/** Fetches a weight file; resolves to its copy in the cache. */
export async function fetchWeights(
  address: Address,
  watch: { readonly report: Reporter; readonly signal?: AbortSignal },
): Promise<string> {
  const check = (path: string): void => requireWeights(path, address);
  return (await fetchFile(address, { ...watch, check })).path;
}

/** The path of a weight file: as given, or of the copy in the cache if it is an address. */
export async function localWeights(given: string): Promise<string> {
  if (!isAddress(given)) return given;
  return await fetchWeights(readAddress(given, 'file', '--weights-file'), { report: reporterFor() });
}

/** The folder of a trained network: as given, or the copy of a published one in the cache if it is an address. */
export async function localModel(given: string): Promise<string> {
  if (!isAddress(given)) return given;
  const files = [modelFile, preprocessingFile, bestModelFile];
  const options = { ifListed: [thresholdsFile], report: reporterFor() };
  return await fetchFolder(readAddress(given, 'folder', '--job-dir'), files, options);
}

/** A TensorFlow checkpoint is several files, so it has no address. */
function requireWeights(path: string, { text }: Address): void {
  const { id, words } = fileKind(path);
  if (['hdf5', 'keras', 'zip'].includes(id)) return;
  throw new InputError('the address does not lead to a weight file', {
    file: text,
    got: words,
    expected: 'Keras 3 weights (.weights.h5 or .keras)',
  });
}
