import { InputError, UsageError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { gpuCount, gpuName } from '../graph/devices.ts';
import { ownCommand } from '../text.ts';

/** What decides the devices of a job. */
interface DeviceOptions {
  readonly devices?: number | string;
  readonly batchSize?: number;
}

/** What `--devices` can say. */
interface Devices {
  readonly kind: 'gpu' | 'cpu';
  /** Infinity: all GPUs. */
  readonly count: number;
}

const most = 64;

function parse(devices: number | string): Devices {
  const [, prefix, digits] = /^(cpu:)?(\d{1,9})$/.exec(`${devices}`) ?? [];
  const count = devices === 'all' ? Number.POSITIVE_INFINITY : Number(digits);
  const kind = prefix ? 'cpu' : 'gpu';
  if (devices === 'all' || (count >= (kind === 'cpu' ? 2 : 1) && count <= most)) return { kind, count };
  throw new UsageError('--devices: invalid value', {
    got: `${devices}`,
    expected: `a number of GPUs from 1 to ${most}, all, or cpu:N with N from 2 to ${most}`,
  });
}

/**
 * The options as a job stores them: `devices` is a number of GPUs or `cpu:N` as a text, `all` is counted, and one device is not stored.
 *
 * @throws UsageError if `devices` is none of these.
 */
export function settledDevices<O extends DeviceOptions>(options: O): O {
  const { kind, count } = parse(options.devices ?? 1);
  const counted = count === Number.POSITIVE_INFINITY ? gpuCount() : count;
  return { ...options, devices: counted < 2 ? undefined : kind === 'cpu' ? `cpu:${counted}` : `${counted}` };
}

/**
 * TensorFlow's names of the devices of settled options; undefined for one device, which TensorFlow chooses.
 *
 * @throws InputError if this machine has fewer GPUs.
 */
export function deviceNames({ devices }: DeviceOptions): readonly string[] | undefined {
  const { kind, count } = parse(devices ?? 1);
  if (count < 2) return undefined;
  if (kind === 'cpu') return Array.from({ length: count }, () => '/device:CPU:0');
  const present = gpuCount();
  if (present >= count) return Array.from({ length: count }, (_, number) => gpuName(number));
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  const limited = visible === undefined ? '' : ` with CUDA_VISIBLE_DEVICES=${visible}`;
  throw new InputError(`--devices ${count}: TensorFlow does not find as many GPUs`, {
    got: `${present === 0 ? 'no GPU' : present === 1 ? '1 GPU' : `${present} GPUs`}${limited}`,
    expected: `${count}`,
    next: `See what it finds with: ${ownCommand('doctor')}. To compute on the CPU what ${count} GPUs would compute, add --devices cpu:${count}`,
  });
}

/** Samples of a batch that the first of `count` devices gets. */
export function partOf(batch: number, count = 1): number {
  return Math.ceil(batch / count);
}

/** Reports how several devices share a batch, and warns if it leaves some of them idle. */
export function tellDevices({ devices, batchSize = 32 }: DeviceOptions, report: Reporter): void {
  const { kind, count } = parse(devices ?? 1);
  if (count < 2) return;
  const part = partOf(batchSize, count);
  const who = kind === 'cpu' ? `the CPU in place of ${count} GPUs` : `${count} GPUs`;
  report({ kind: 'message', text: `Devices: ${who}, each with up to ${part} of the ${batchSize} samples of a batch` });
  const busy = Math.ceil(batchSize / part);
  if (busy === count) return;
  const text = `--batch-size ${batchSize} in parts of ${part} leaves ${count - busy} of ${count} devices without samples: take a multiple of ${count}`;
  report({ kind: 'warning', text });
}
