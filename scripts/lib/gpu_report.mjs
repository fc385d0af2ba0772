// What `gpu-check.sh` reports of a bench and of a pretraining job. Prints lines of text; exits with 1 and a sentence if there is nothing to report.
import { readFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

/**
 * One line for each row of the file that `bench --json` writes.
 *
 * @param {string} json
 * @returns {string[]}
 */
export function describeBench(json) {
  const { node, rows } = JSON.parse(json);
  if (!(node.gpus > 0)) throw new Error('the bench did not see a GPU');
  return rows.map(({ name, port, original, unit, ratio, share, error }) => {
    if (error !== undefined) throw new Error(`${name}: ${error}`);
    const { value, rate } = share.port;
    const figures = `port ${port.toPrecision(3)} ${unit}, original ${original.toPrecision(3)} ${unit}, ratio ${ratio.toFixed(3)}`;
    return `${name}: ${figures}; the port reaches ${(100 * value).toFixed(0)} % of the card's ${(rate / 1e12).toFixed(1)} TFLOP/s (matrix product)`;
  });
}

/**
 * How busy the GPU was while a job trained. The first epoch does not count: it fills the shuffle buffer and tries kernels.
 *
 * @param {string} samples lines of `nvidia-smi --query-gpu=timestamp,utilization.gpu,memory.used`, local time, percent, MiB
 * @param {string} events the job's `events.jsonl`
 * @param {number} frames number of frames of an epoch
 * @returns {string[]}
 */
export function describeUse(samples, events, frames) {
  const epochs = epochsOf(events).slice(1);
  if (epochs.length === 0) throw new Error('the job did not finish a second epoch');
  const read = samples
    .trim()
    .split('\n')
    .map((line) => line.split(',').map((field) => field.trim()))
    .map(([time, busy, memory]) => ({ time: Date.parse(time), busy: Number(busy), memory: Number(memory) }));
  const during = read.filter(({ time }) => epochs.some(({ begun, ended }) => time >= begun && time <= ended));
  if (during.length === 0) throw new Error('nvidia-smi gave no sample while the job trained');
  const busy = during.map((sample) => sample.busy).sort((a, b) => a - b);
  if (!(busy.at(-1) > 0)) throw new Error('the GPU was idle while the job trained');
  const mean = busy.reduce((sum, value) => sum + value, 0) / busy.length;
  const seconds = epochs.reduce((sum, { begun, ended }) => sum + (ended - begun) / 1000, 0);
  const waited = linesOf(events).find(({ text }) => /^Waited for data/.test(text ?? ''));
  const most = Math.max(...read.map(({ memory }) => memory).filter(Number.isFinite));
  return [
    `GPU busy: mean ${mean.toFixed(0)} %, median ${busy[busy.length >> 1]} % (${busy.length} samples in ${seconds.toFixed(1)} s of training)`,
    `${((epochs.length * frames) / seconds).toFixed(0)} frames a second from zipped patients; at most ${most} MiB of GPU memory in use`,
    ...(waited ? [waited.text] : []),
  ];
}

function linesOf(events) {
  return events
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Begin and end of each epoch's steps, in milliseconds since 1970. */
function epochsOf(events) {
  const epochs = [];
  for (const { time, event, task } of linesOf(events)) {
    if (!/^Epoch \d/.test(task ?? '')) continue;
    if (event === 'start') epochs.push({ begun: Date.parse(time), ended: Number.NaN });
    if (event === 'end' && epochs.length > 0) epochs.at(-1).ended = Date.parse(time);
  }
  return epochs.filter(({ ended }) => !Number.isNaN(ended));
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [what, ...args] = argv.slice(2);
  try {
    const text = (file) => readFileSync(file, 'utf8');
    const lines =
      what === 'bench' ? describeBench(text(args[0])) : describeUse(text(args[0]), text(args[1]), Number(args[2]));
    console.log(lines.join('\n'));
  } catch (error) {
    console.log(error.message);
    process.exitCode = 1;
  }
}
