/** Folders of `src` whose code a comparison runs. The bridge and the comparison itself are the instruments. */
export const folders = [
  'port/',
  'prepare/',
  'recordings/',
  'jobs/',
  'networks/',
  'weights/',
  'predict/',
  'export/',
  'graph/',
  'lib/',
];

/**
 * Files in them that no compared result depends on, and neither on what they are given: progress, locks, logs, limits, refusals of bad input, and what only the
 * machine or a report is told. They have tests of their own.
 */
const aside = [
  /(^|\/)(progress|journal|event_log|lock|own_files|environment|(\w+_)?check)\.ts$/,
  /^lib\/(budget|caller|ending_signals|git_lfs|machine|near|outputs|processes)\.ts$/,
  /^lib\/python\/errors\.ts$/,
];

/** Files that are not changed either, although results depend on what they are given: command lines, files and archives, threads and caches that only save time. */
const apart = [
  /(^|\/)(flags|record_cache|record_pool)\.ts$/,
  /(^|\/)\w+_worker\.ts$/,
  /^lib\/(bootstrap|file_kind|worker)\.ts$/,
  /^lib\/(argparse\/\w+|tar\/archive)\.ts$/,
  /^lib\/python\/(atomic_file|byte_source|whole_file|zipfile)\.ts$/,
  /^lib\/keras\/tensorboard\.ts$/,
  /^lib\/tensorflow\/event_file\.ts$/,
  /^export\/(export|job|metadata)\.ts$/,
  /^(jobs\/(library_digests|run_job)|networks\/identify|prepare\/(prepared_alike|select_records))\.ts$/,
];

/** Whether the rules change a file, by its path below `src`. */
export function inScope(file: string): boolean {
  return isCompared(file) && !apart.some((pattern) => pattern.test(file));
}

/** Whether a compared result can depend on what a file is given. */
export function isCompared(file: string): boolean {
  return folders.some((folder) => file.startsWith(folder)) && !aside.some((pattern) => pattern.test(file));
}
