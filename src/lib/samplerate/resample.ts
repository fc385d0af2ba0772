import { InputError } from '../../errors.ts';
import { pythonExecutable } from '../installation.mjs';
import { type NdArray, ndarray } from '../numpy/ndarray.ts';
import { RuntimeError } from '../python/errors.ts';
import { joinChannels, splitChannels } from './channels.ts';
import { loadJavaScript } from './javascript.ts';
import { loadNative, locateWheelLibrary, type NativeLibrary, type Resample } from './native.ts';

/** A loaded libsamplerate. */
export interface Resampler {
  /** Which library does the work; goes into reports. */
  readonly library: string;
  /**
   * Resamples whole signals: no edge padding, ringing at both ends included; leads are independent. Twin of `samplerate.resample(x, target / source)`
   * with its default converter `sinc_best`, equal to the last bit.
   *
   * @param x shape (samples, leads), at most 128 leads; cast to float32.
   * @param sourceRate rate of `x` (Hz).
   * @param targetRate wanted rate (Hz), within 1/256 and 256 times the source rate.
   * @returns shape (n, leads); n is what libsamplerate produced, which is not always the nearest whole number.
   * @throws RuntimeError for a ratio, InputError for a number of leads that libsamplerate does not take.
   */
  resample(x: NdArray<'float32' | 'float64'>, sourceRate: number, targetRate: number): NdArray<'float32'>;
  /**
   * `resample` of several signals of one shape, with the same bits. libsamplerate takes them as leads of one signal, because it computes the filter once for all
   * leads: 12 signals of one lead take a quarter of the time that they take one by one.
   */
  resampleTogether(
    signals: readonly NdArray<'float32' | 'float64'>[],
    sourceRate: number,
    targetRate: number,
  ): NdArray<'float32'>[];
}

/** Leads for which libsamplerate takes least time each, or hardly more. */
export const leadsTogether = 12;

/** Which library to use, so that a worker thread need not look for it again. */
export type ResamplerChoice = { readonly native: NativeLibrary } | 'javascript';

/** Where the search for a native library starts. */
export interface ResamplerOptions {
  /** Interpreter of the Python environment (default: `ECG_PYTHON`, else the one that set-up has made). */
  readonly python?: string;
  /** A system libsamplerate (default: `ECG_LIBSAMPLERATE`); used only if it gives the same bits as the JavaScript build. */
  readonly systemLibrary?: string;
}

const MAX_LEADS = 128;

/**
 * Chooses the library: the Python environment's own where it can be loaded, else a named system library that passes the check, else JavaScript.
 *
 * @throws InputError if a system library is named and cannot be used.
 */
export async function chooseResampler(options: ResamplerOptions = {}): Promise<ResamplerChoice> {
  const system = options.systemLibrary ?? process.env.ECG_LIBSAMPLERATE;
  if (system) {
    await checkSystemLibrary(system);
    return { native: { path: system } };
  }
  const wheel = locateWheelLibrary(options.python ?? pythonExecutable());
  if (wheel && loads(wheel)) return { native: wheel };
  return 'javascript';
}

/** Loads the chosen library (default: what `chooseResampler` finds). */
export async function openResampler(choice?: ResamplerChoice): Promise<Resampler> {
  const chosen = choice ?? (await chooseResampler());
  const simple = chosen === 'javascript' ? await loadJavaScript() : loadNative(chosen.native);
  return {
    library: chosen === 'javascript' ? 'libsamplerate 0.2.2 (JavaScript)' : `libsamplerate (${chosen.native.path})`,
    resample: (x, sourceRate, targetRate) => resampleWith(simple, x, sourceRate, targetRate),
    resampleTogether: together((x, sourceRate, targetRate) => resampleWith(simple, x, sourceRate, targetRate)),
  };
}

/** `resampleTogether` by a function that resamples one signal. */
function together(alone: Resampler['resample']): Resampler['resampleTogether'] {
  /** Samples that libsamplerate gives for a signal alone. With more leads, it gives one more for some lengths. */
  const lengths = new Map<string, number>();
  return (signals, sourceRate, targetRate) => {
    const [frames, leads] = signals[0].shape;
    const kind = [frames, leads, sourceRate, targetRate].join();
    const done: NdArray<'float32'>[] = [];
    if (!lengths.has(kind)) {
      done.push(alone(signals[0], sourceRate, targetRate));
      lengths.set(kind, done[0].shape[0]);
    }
    const rest = signals.slice(done.length);
    if (rest.length > 1) {
      const parts = rest.map(({ data }) => (data instanceof Float32Array ? data : Float32Array.from(data)));
      const all = leads * parts.length;
      const { data } = alone(ndarray('float32', [frames, all], joinChannels(parts, leads)), sourceRate, targetRate);
      const length = lengths.get(kind)!;
      if (data.length >= length * all) {
        const separate = splitChannels(data.subarray(0, length * all), all, leads);
        return [...done, ...separate.map((part) => ndarray('float32', [length, leads], part))];
      }
    }
    return [...done, ...rest.map((signal) => alone(signal, sourceRate, targetRate))];
  };
}

function resampleWith(
  simple: Resample,
  x: NdArray<'float32' | 'float64'>,
  sourceRate: number,
  targetRate: number,
): NdArray<'float32'> {
  const [frames, leads] = x.shape;
  if (frames === undefined || leads === undefined || x.shape.length !== 2 || leads < 1 || leads > MAX_LEADS) {
    throw new InputError('the signal cannot be resampled', {
      got: `shape (${x.shape.join(', ')})`,
      expected: `(samples, leads) with 1 to ${MAX_LEADS} leads`,
    });
  }
  const ratio = targetRate / sourceRate;
  if (!(sourceRate > 0) || !(ratio >= 1 / 256 && ratio <= 256)) {
    throw new RuntimeError(
      `the sampling rates cannot be converted; got ${sourceRate} Hz to ${targetRate} Hz; expected rates above 0 whose ratio is between 1/256 and 256`,
    );
  }
  const samples = x.data instanceof Float32Array ? x.data : Float32Array.from(x.data);
  const out = frames === 0 ? samples : simple(samples, leads, sourceRate, targetRate);
  return ndarray('float32', [out.length / leads, leads], out);
}

function loads(library: NativeLibrary): boolean {
  try {
    loadNative(library);
    return true;
  } catch {
    return false;
  }
}

/** A system library may be another version, or compiled with other floating-point rules: it has to repeat known bits. */
async function checkSystemLibrary(path: string): Promise<void> {
  let native: Resample;
  try {
    native = loadNative({ path });
  } catch (error) {
    throw new InputError('the libsamplerate named by ECG_LIBSAMPLERATE cannot be loaded', {
      file: path,
      got: String(error),
    });
  }
  const probe = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i / 7) + (i % 100 === 0 ? 3 : 0));
  const reference = await loadJavaScript();
  for (const [source, target] of [
    [300, 250],
    [257, 250],
    [100, 250],
  ] as const) {
    const want = reference(probe, 1, source, target);
    const got = native(probe, 1, source, target);
    if (want.length !== got.length || want.some((value, i) => !Object.is(value, got[i]))) {
      throw new InputError('the libsamplerate named by ECG_LIBSAMPLERATE gives other bits than version 0.2.2', {
        file: path,
        where: `${source} Hz to ${target} Hz`,
        next: 'Unset ECG_LIBSAMPLERATE.',
      });
    }
  }
}
