import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Real paths of the shared libraries of TensorFlow that this process has loaded, in order. `name` is the beginning of their file names. Empty on
 * systems without `/proc`.
 */
export function mappedLibraries(name: 'libtensorflow' | 'libtensorflow_cc' = 'libtensorflow'): string[] {
  const maps = '/proc/self/maps';
  if (!existsSync(maps)) return [];
  const paths = [...readFileSync(maps, 'utf8').matchAll(/^[^/\n]*(\/.*)$/gm)].map(([, path]) => path);
  return [...new Set(paths.filter((path) => basename(path).startsWith(name)))].sort();
}
