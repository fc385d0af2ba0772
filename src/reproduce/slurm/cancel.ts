import { lockFolder } from '../../lib/lock.ts';
import type { RunSettings } from '../settings.ts';
import type { Slurm } from './client.ts';
import { SlurmFiles } from './files.ts';
import { nameOf } from './submit.ts';

/** Cancels all jobs of a run; returns how many. Those that run save their state first. */
export async function cancelRun(run: RunSettings, client: Slurm): Promise<number> {
  const files = new SlurmFiles(run.folder);
  if (files.submissions().length === 0) return 0;
  const unlock = lockFolder(files.folder, { name: 'submit.lock', work: 'submits or cancels this run' });
  try {
    const jobs = await client.queue(files.prefix);
    await client.cancel(jobs.map(nameOf));
    return jobs.length;
  } finally {
    unlock();
  }
}
