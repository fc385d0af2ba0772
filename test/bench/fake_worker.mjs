// Speaks the protocol of the bench's workers: counts its rounds, and misbehaves as its work says.
import { createInterface } from 'node:readline';

let rounds = 0;
let work = '';
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  if (request.work) work = request.work;
  else rounds++;
  if (work === 'die' && rounds > 0) {
    console.error('the disk is on fire');
    process.exit(3);
  }
  if (work === 'hang' && rounds > 0) continue;
  if (work === 'fail') console.log(JSON.stringify({ error: 'ValueError: no such folder' }));
  else if (work === 'chatter' && rounds > 0) console.log('Seed: 1');
  else if (work === 'nan' && rounds > 0) console.log(JSON.stringify({ value: Number.NaN }));
  else console.log(JSON.stringify({ value: rounds, peakBytes: 1e6 }));
}
