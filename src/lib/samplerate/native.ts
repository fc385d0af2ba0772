import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { isolated, isolatedEnvironment } from '../python/isolated.mjs';

/**
 * One call of libsamplerate's `src_simple` with the best sinc converter, ratio `targetRate / sourceRate`.
 *
 * @param samples interleaved, frames × channels.
 */
export type Resample = (
  samples: Float32Array,
  channels: number,
  sourceRate: number,
  targetRate: number,
) => Float32Array;

/** Where a native libsamplerate lies. */
export interface NativeLibrary {
  /** Shared library that exports `src_simple`: the Python wheel's extension module or a system libsamplerate. */
  readonly path: string;
  /** Shared library of Python that the extension module needs; absent for a system library. */
  readonly libpython?: string;
}

const LOCATE = `
import importlib.util, json, os, sysconfig
folder, name = sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("LDLIBRARY") or ""
libpython = os.path.join(folder, name)
print(json.dumps({"path": importlib.util.find_spec("samplerate").origin, "libpython": libpython,
                  "usable": bool(sysconfig.get_config_var("Py_ENABLE_SHARED")) and os.path.exists(libpython)}))
`;

/**
 * The libsamplerate inside the `samplerate` wheel of a Python environment: the very library that the Python original calls. `null` if there is
 * no such environment, or its Python has no shared library that the wheel could be loaded beside.
 *
 * @param python the environment's interpreter.
 */
export function locateWheelLibrary(python: string): NativeLibrary | null {
  try {
    const text = execFileSync(python, isolated('-c', LOCATE), {
      env: isolatedEnvironment(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    });
    const found = JSON.parse(text) as { path: string; libpython: string; usable: boolean };
    const { path, libpython } = found;
    // A relative path would be looked up in the working folder.
    return found.usable && isAbsolute(path) && isAbsolute(libpython) ? { path, libpython } : null;
  } catch {
    return null;
  }
}

const SINC_BEST_QUALITY = 0;

/**
 * Loads a native libsamplerate and returns its `src_simple` with the best sinc converter.
 *
 * @throws Error if a library cannot be loaded.
 */
export function loadNative(library: NativeLibrary): Resample {
  // koffi is loaded only where a native library is: it is a binary module that some systems lack.
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  if (library.libpython) koffi.load(library.libpython, { global: true, lazy: true });
  const samplerate = koffi.load(library.path, { lazy: true });
  const data = koffi.struct({
    data_in: 'float *',
    data_out: 'float *',
    input_frames: 'long',
    output_frames: 'long',
    input_frames_used: 'long',
    output_frames_gen: 'long',
    end_of_input: 'int',
    src_ratio: 'double',
  });
  const simple = samplerate.func('src_simple', 'int', [koffi.inout(koffi.pointer(data)), 'int', 'int']);
  const strerror = samplerate.func('src_strerror', 'str', ['int']);
  return (samples, channels, sourceRate, targetRate) => {
    const ratio = targetRate / sourceRate;
    const frames = samples.length / channels;
    const room = Math.ceil(frames * ratio);
    const out = new Float32Array(room * channels);
    const call = {
      data_in: samples,
      data_out: out,
      input_frames: frames,
      output_frames: room,
      input_frames_used: 0,
      output_frames_gen: 0,
      end_of_input: 0,
      src_ratio: ratio,
    };
    const code = simple(call, SINC_BEST_QUALITY, channels) as number;
    if (code !== 0) throw new Error(`libsamplerate: ${strerror(code)}`);
    return out.subarray(0, call.output_frames_gen * channels);
  };
}
