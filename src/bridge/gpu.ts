/**
 * Environment of both processes in GPU parity mode: no TF32, so that products have the precision of float32; deterministic kernels, or an
 * error where TensorFlow has none; memory allocated on demand, because two processes share the card. Without a GPU it changes nothing.
 */
export const gpuParityEnvironment = {
  NVIDIA_TF32_OVERRIDE: '0',
  TF_DETERMINISTIC_OPS: '1',
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
} as const;

/**
 * Environment that shows a Python process only the first of the GPUs that the user allows. On several GPUs the original's MirroredStrategy
 * would train a different network than the port does (Quirk Q60).
 */
export function oneDevice(): { readonly CUDA_VISIBLE_DEVICES: string } {
  const [first] = (process.env.CUDA_VISIBLE_DEVICES ?? '0').split(',');
  return { CUDA_VISIBLE_DEVICES: first };
}

/** Puts this process into GPU parity mode. Must be called before TensorFlow is loaded. */
export function enterGpuParityMode(): void {
  Object.assign(process.env, gpuParityEnvironment);
}
