import { InputError } from '../../errors.ts';
import { joinChannels, splitChannels } from './channels.ts';
import type { Resample } from './native.ts';

/** Samples that fit into the package's buffers; beyond, it would silently resample in pieces with another result. */
const MAX_SAMPLES = 1_008_000;

/**
 * libsamplerate 0.2.2 compiled to JavaScript, with the best sinc converter: bit-equal to the native library and several times slower. Needs nothing
 * but the npm package.
 */
export async function loadJavaScript(): Promise<Resample> {
  // The package is large, and most threads do without it.
  const { create, ConverterType } = (await import('@alexanderolsen/libsamplerate-js')).default;
  const converter = await create(1, 300, 250, { converterType: ConverterType.SRC_SINC_BEST_QUALITY });
  const convert = (samples: Float32Array): Float32Array => converter.simple(samples);
  return (samples, channels, sourceRate, targetRate) => {
    const [source, target] = wholeRates(sourceRate, targetRate);
    if (converter.inputSampleRate !== source) converter.inputSampleRate = source;
    if (converter.outputSampleRate !== target) converter.outputSampleRate = target;
    const perChannel = Math.ceil((samples.length / channels) * Math.max(1, targetRate / sourceRate));
    if (perChannel * channels <= MAX_SAMPLES) {
      if (converter.nChannels !== channels) converter.nChannels = channels;
      return convert(samples);
    }
    if (perChannel > MAX_SAMPLES) {
      throw new InputError('the signal is too long to be resampled without a native libsamplerate', {
        got: `${samples.length / channels} samples a lead`,
        expected: `at most ${MAX_SAMPLES} before and after resampling`,
        next: 'Set ECG_LIBSAMPLERATE to a system libsamplerate, or use a Python that has a shared library.',
      });
    }
    if (converter.nChannels !== 1) converter.nChannels = 1;
    return joinChannels(splitChannels(samples, channels, 1).map(convert), 1);
  };
}

/** The package takes whole rates only: scales both until they are, if that leaves their quotient the same to the last bit. */
function wholeRates(source: number, target: number): [number, number] {
  for (const scale of [1, 10, 100, 1000, 10_000, 2, 4, 8, 16, 32, 64, 128, 256]) {
    const [a, b] = [Math.round(source * scale), Math.round(target * scale)];
    if (a < 2 ** 31 && b < 2 ** 31 && b / a === target / source) return [a, b];
  }
  throw new InputError('this pair of rates cannot be resampled without a native libsamplerate', {
    got: `${source} Hz to ${target} Hz`,
    expected: 'rates with at most four decimals whose quotient is exact',
    next: 'Set ECG_LIBSAMPLERATE to a system libsamplerate, or use a Python that has a shared library.',
  });
}
