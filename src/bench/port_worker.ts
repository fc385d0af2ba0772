/** The port's bench worker: prepares one work and runs it round by round. `BenchWorker` describes the protocol. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type WorkSettings, works } from './port_works.ts';

let round: (() => number | Promise<number>) | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await handle(JSON.parse(line)).catch((error: Error) => ({ error: error.stack ?? error.message }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
// Read-ahead threads and the bridge's Python process would keep this process alive.
process.exit(0);

async function handle(request: { work?: keyof WorkSettings; settings?: unknown }): Promise<object> {
  let value = 0;
  if (request.work === undefined) {
    if (!round) throw new Error('a round was requested before a work');
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
