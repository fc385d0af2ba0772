import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { literal, object, string, unknown } from 'valibot';
import { mapOf, positive } from '../lib/json/fields.ts';
import { readJsonIfSound, writeJson } from '../lib/json/file.ts';
import { machine } from '../lib/machine.ts';
import type { MeasuredConvolution } from './convolutions.ts';
import { kernelFormat, measureFormats } from './format_speed.ts';
import { type FilterSpeeds, fasterFilterGradient, measureFilterGradients } from './kernel_speed.ts';
import type { Convolution } from './kernels.ts';
import { bindingPath, runtime } from './runtime.ts';
import { tensorflowSettings } from './settings.ts';

const tableSchema = object({
  format: literal(1),
  /** On what it was measured, for people: the name of the file says whether it applies. */
  machine: unknown(),
  /** GFLOP/s by convolution. */
  speeds: mapOf(string(), object({ usual: positive, taps: positive })),
});

/**
 * Convolutions with the speeds of the gradients of their filters on this machine. Those of a bfloat16 model get the format whose kernels are faster
 * here. What has been measured before comes from a table beside the Node binding; a table that is missing, damaged or cannot be written only costs time.
 */
export function measuredConvolutions(
  given: readonly Convolution[],
  { file = tableFile(), measure = measureFilterGradients, formats = () => measureFormats() } = {},
): MeasuredConvolution[] {
  const format = given.some(({ dtype }) => dtype === 'bfloat16') ? kernelFormat(formats()) : 'bfloat16';
  const convolutions = given.map((one) => (one.dtype === 'bfloat16' ? { ...one, dtype: format } : one));
  const known: Readonly<Record<string, FilterSpeeds>> = readJsonIfSound(file, tableSchema)?.speeds ?? {};
  const missing = convolutions.filter((one) => !Object.hasOwn(known, nameOf(one)));
  const found = measure(missing).map((speeds, i) => [nameOf(missing[i]), speeds] as const);
  const speeds = { ...known, ...Object.fromEntries(found) };
  if (found.length > 0) write(file, speeds);
  return convolutions.map((one) => {
    const measured = speeds[nameOf(one)];
    return { ...one, ...measured, chosen: fasterFilterGradient(measured) };
  });
}

/** The table of this machine: another TensorFlow, processor or number of threads has another one. */
export function tableFile(): string {
  const key = createHash('sha256').update(JSON.stringify(measuredOn())).digest('hex').slice(0, 12);
  return join(dirname(bindingPath()), `kernel-speeds-${key}.json`);
}

function measuredOn() {
  const { platform, processor, cpuFeatures, cpus } = machine(dirname(bindingPath()));
  const tensorflow = runtime().tensorflowVersion;
  return { tensorflow, platform, processor, cpuFeatures, cpus, settings: tensorflowSettings() };
}

function nameOf({ batch, samples, inputs, outputs, width, stride, dtype }: Convolution): string {
  return `${dtype} ${batch} × ${samples} × ${inputs} to ${outputs}, width ${width}, stride ${stride}`;
}

function write(file: string, speeds: Readonly<Record<string, FilterSpeeds>>): void {
  try {
    writeJson(file, { format: 1, machine: measuredOn(), speeds });
  } catch {
    // Only another user may write there: the next job measures again.
  }
}
