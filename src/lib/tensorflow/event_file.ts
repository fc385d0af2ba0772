import { closeSync, fsyncSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeOwnFolder, openToAppend } from '../own_files.ts';
import { crc32c, maskCrc } from './crc32c.ts';
import { bytesField, concat, varintField } from './protobuf.ts';

/** A file of scalars that TensorBoard reads: records of `tensorflow.Event`. Twin of `tf.summary.create_file_writer`, for scalars only. */
export class EventFile {
  readonly path: string;
  #descriptor: number | undefined;

  /** Creates `events.out.tfevents.SECONDS.HOST.PID.v2` in a folder, which is created. */
  constructor(folder: string) {
    makeOwnFolder(folder);
    const seconds = Math.floor(Date.now() / 1000);
    this.path = join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.v2`);
    this.#descriptor = openToAppend(this.path);
    this.#write(concat([wallTime(), bytesField(3, 'brain.Event:2')]));
  }

  /** Appends values by tag, and flushes. */
  addScalars(step: number, values: Readonly<Record<string, number>>): void {
    const summary = Object.entries(values).map(([tag, value]) =>
      bytesField(1, concat([bytesField(1, tag), float32Field(2, value)])),
    );
    this.#write(concat([wallTime(), varintField(2, step), bytesField(5, concat(summary))]));
    fsyncSync(this.#descriptor!);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  /** A record: length, checksum of the length, data, checksum of the data. */
  #write(event: Uint8Array): void {
    if (this.#descriptor === undefined) throw new Error(`${this.path} is closed`);
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(event.length), true);
    writeSync(this.#descriptor, concat([length, checksum(length), event, checksum(event)]));
  }
}

function checksum(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, maskCrc(crc32c(bytes)), true);
  return out;
}

/** Field 1 of an event: seconds since 1970 as a double. */
function wallTime(): Uint8Array {
  const field = new Uint8Array(9);
  field[0] = 1 * 8 + 1;
  new DataView(field.buffer).setFloat64(1, Date.now() / 1000, true);
  return field;
}

function float32Field(number: number, value: number): Uint8Array {
  const field = new Uint8Array(5);
  field[0] = number * 8 + 5;
  new DataView(field.buffer).setFloat32(1, value, true);
  return field;
}
