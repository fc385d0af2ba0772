/** Worker of the bench on the side of the port: one work, a round at a time. `WorkerProcess` tells how it is spoken to. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type WorkSettings, works } from './port_works.ts';

let round: (() => number | Promise<number>) | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await handle(JSON.parse(line)).catch((error: Error) => ({ error: error.stack ?? error.message }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
// Threads that read ahead and the Python behind the bridge end with the process.
process.exit(0);

async function handle(request: { work?: keyof WorkSettings; settings?: unknown }): Promise<object> {
  let value = 0;
  if (request.work === undefined) {
    if (!round) throw new Error('a round was asked for before a work');
    value = await round();
  } else {
    const work: ((settings: never) => ReturnType<(typeof works)[keyof WorkSettings]>) | undefined = works[request.work];
    if (!work) throw new Error(`the port has no work ${request.work}; it has ${Object.keys(works).join(', ')}`);
    round = await work(request.settings as never);
  }
  return { value, peakBytes: peakBytes() };
}

function peakBytes(): number | null {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}
