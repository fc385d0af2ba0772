/** The part of protocol buffers' wire format that checkpoints and ONNX models use. */
import type { Budget } from '../budget.ts';

/** One field of a message: a number for varints and fixed 32-bit values, bytes for strings and nested messages. */
export type Field =
  | { readonly number: number; readonly value: number; readonly bytes?: undefined }
  | { readonly number: number; readonly bytes: Uint8Array; readonly value?: undefined };

/** Memory that a field takes. */
const fieldBytes = 160;

/** Reads a varint; returns it and the position after it. Throws a RangeError if it is cut off or beyond 2^53. */
export function readVarint(bytes: Uint8Array, at: number): readonly [value: number, next: number] {
  let value = 0;
  let scale = 1;
  for (let next = at; next < bytes.length && next < at + 10; next++) {
    const byte = bytes[next];
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number beyond 2^53');
      return [value, next + 1];
    }
    scale *= 128;
  }
  throw new RangeError('a number that is cut off');
}

/**
 * The fields of a message, in order. Throws a RangeError if the bytes are not a message, and an InputError for more fields than the budget allows.
 */
export function readMessage(bytes: Uint8Array, budget: Budget): Field[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: Field[] = [];
  let at = 0;
  while (at < bytes.length) {
    budget.spend(fieldBytes, 'fields of messages');
    const [tag, start] = readVarint(bytes, at);
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0: {
        const [value, next] = readVarint(bytes, start);
        fields.push({ number, value });
        at = next;
        break;
      }
      case 2: {
        const [length, content] = readVarint(bytes, start);
        if (length > bytes.length - content) throw new RangeError('a field longer than its message');
        fields.push({ number, bytes: bytes.subarray(content, content + length) });
        at = content + length;
        break;
      }
      case 5: {
        if (start + 4 > bytes.length) throw new RangeError('a number that is cut off');
        fields.push({ number, value: view.getUint32(start, true) });
        at = start + 4;
        break;
      }
      default:
        throw new RangeError(`a field of unknown kind ${tag % 8}`);
    }
  }
  return fields;
}

/** Encodes a whole number up to 2^53 as a varint. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Joins byte arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A varint field. Zero is the default and is left out, unless `keepZero` is set. */
export function varintField(number: number, value: number, keepZero = false): Uint8Array {
  return value === 0 && !keepZero ? new Uint8Array(0) : concat([varint(number * 8), varint(value)]);
}

/** A field of bytes, text or a nested message. */
export function bytesField(number: number, content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** A fixed 32-bit field. */
export function fixed32Field(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return concat([varint(number * 8 + 5), bytes]);
}
