/**
 * Environment of both processes in the parity mode of a GPU: no TF32, so that products have float32's precision; deterministic kernels, or
 * an error where TensorFlow has none; memory taken as it is needed, because two processes share the card. Without a GPU it changes nothing.
 */
export const gpuParityEnvironment = {
  NVIDIA_TF32_OVERRIDE: '0',
  TF_DETERMINISTIC_OPS: '1',
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
} as const;

/** Puts this process into the parity mode of a GPU; has to be called before TensorFlow is loaded. */
export function enterGpuParityMode(): void {
  Object.assign(process.env, gpuParityEnvironment);
}
