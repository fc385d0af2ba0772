/**
 * Environment of both processes in the parity mode of a GPU: no TF32, so that products have float32's precision; deterministic kernels, or
 * an error where TensorFlow has none; memory taken as it is needed, because two processes share the card. Without a GPU it changes nothing.
 */
export const gpuParityEnvironment = {
  NVIDIA_TF32_OVERRIDE: '0',
  TF_DETERMINISTIC_OPS: '1',
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
} as const;

/**
 * Environment of a Python process that sees the first GPU alone, of those that the user lets it see. On several, the original's
 * MirroredStrategy would train another network than the port does (Quirk Q60).
 */
export function oneDevice(): { readonly CUDA_VISIBLE_DEVICES: string } {
  const [first] = (process.env.CUDA_VISIBLE_DEVICES ?? '0').split(',');
  return { CUDA_VISIBLE_DEVICES: first };
}

/** Puts this process into the parity mode of a GPU; has to be called before TensorFlow is loaded. */
export function enterGpuParityMode(): void {
  Object.assign(process.env, gpuParityEnvironment);
}
