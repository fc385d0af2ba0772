const names = ['TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS', 'TF_ENABLE_ONEDNN_OPTS', 'ONEDNN_MAX_CPU_ISA'];

/** The environment variables of this process on which TensorFlow's choice of kernels, and so the last bits of results, depend. */
export function tensorflowSettings(): Record<string, string> {
  const given = names.filter((name) => process.env[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, process.env[name]!]));
}
