import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { runtime } from '../graph/runtime.ts';
import { tensorflowSettings } from '../graph/settings.ts';
import { cacheFolder } from '../lib/installation.mjs';
import { mappedLibraries } from '../lib/tensorflow/libraries.ts';
import type { Environment } from './job_files.ts';
import { fileDigests } from './library_digests.ts';

export type { Environment } from './job_files.ts';

/** Version of this package. */
export function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** The environment of this process. */
export function environment(): Environment {
  const tensorflow = runtime();
  return {
    version: packageVersion(),
    node: process.versions.node,
    tensorflow: tensorflow.tensorflowVersion,
    libraries: fileDigests(mappedLibraries(), digestCache()),
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    gpu: tensorflow.usesGpu,
    settings: tensorflowSettings(),
  };
}

/** Differences between two environments that can change the last bits of results, as text; empty if there are none. */
export function differences(before: Environment, now: Environment): string {
  const parts = (['tensorflow', 'processor', 'gpu', 'settings'] as const).map((name) => {
    const [was, is] = [JSON.stringify(before[name]), JSON.stringify(now[name])];
    return was === is ? '' : `${name} was ${was}, is ${is}`;
  });
  const digestsOf = ({ libraries }: Environment): string => Object.values(libraries).sort().join();
  const sameLibraries = digestsOf(before) === digestsOf(now);
  return [...parts, sameLibraries ? '' : 'the TensorFlow libraries are other files'].filter(Boolean).join('; ');
}

/** In the folder that the set-up of an installed package uses too. */
function digestCache(): string {
  return join(cacheFolder(), 'library-digests.json');
}
