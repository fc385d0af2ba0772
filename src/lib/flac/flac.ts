import { InputError } from '../../errors.ts';
import { BitReader } from './bit_reader.ts';

/** What a FLAC stream says about itself. */
export interface FlacStream {
  readonly channels: number;
  readonly bitsPerSample: number;
  /** Samples of each channel; 0 if the encoder did not know. */
  readonly samples: number;
}

/** Samples of a FLAC stream that are wanted, by time. */
export interface FlacPart {
  readonly from: number;
  readonly count: number;
}

/** A fault of a stream, without its file. */
class FlacFault extends RangeError {}

const streamInfo = 0;
const notAFile = { summary: 'this is not a FLAC stream', expected: 'fLaC and the block STREAMINFO' };

/**
 * Reads the description of a FLAC stream (RFC 9639).
 *
 * @throws InputError naming the file.
 */
export function readFlacStream(bytes: Uint8Array, file: string): FlacStream {
  return described(bytes, file).stream;
}

/**
 * Decodes a part of a FLAC stream (RFC 9639). Checksums of headers and frames are checked; the MD5 sum of the whole stream is not.
 *
 * @returns `part.count` times `channels` samples, those of one time side by side.
 * @throws InputError naming file and frame for a stream that is damaged, too short, or uses what the format reserves.
 */
export function decodeFlac(bytes: Uint8Array, file: string, { from, count }: FlacPart): Int32Array {
  const { stream, firstFrame } = described(bytes, file);
  const out = new Int32Array(count * stream.channels);
  let at = firstFrame;
  let time = 0;
  for (let frame = 0; time < from + count; frame++) {
    try {
      const { channels, next } = readFrame(bytes, at, stream);
      const length = channels[0].length;
      const [start, end] = [Math.max(from - time, 0), Math.min(from + count - time, length)];
      for (const [channel, samples] of channels.entries()) {
        for (let i = start; i < end; i++) out[(time + i - from) * channels.length + channel] = samples[i];
      }
      time += length;
      at = next;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new InputError('the FLAC stream cannot be decoded', {
        file,
        where: `frame ${frame}, sample ${time}, byte ${at}`,
        got: at >= bytes.length ? `the end of the file after ${time} samples` : error.message,
        ...(at >= bytes.length && { expected: `${from + count} samples` }),
        next: 'Fetch the file again.',
      });
    }
  }
  return out;
}

function described(bytes: Uint8Array, file: string): { stream: FlacStream; firstFrame: number } {
  const { summary, ...fault } = notAFile;
  if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== 'fLaC')
    throw new InputError(summary, { file, ...fault });
  try {
    const reader = new BitReader(bytes, 4);
    let stream: FlacStream | undefined;
    for (let isLast = false; !isLast; ) {
      isLast = reader.unsigned(1) === 1;
      const kind = reader.unsigned(7);
      const size = reader.unsigned(24);
      const end = reader.byte + size;
      if (kind === streamInfo && stream === undefined) stream = readStreamInfo(reader);
      if (end > bytes.length) throw new RangeError('the stream ends too early');
      while (reader.byte < end) reader.unsigned(8 * Math.min(4, end - reader.byte));
      if (reader.byte !== end) throw new RangeError(`a block of ${size} bytes`);
    }
    if (stream === undefined) throw new RangeError('no STREAMINFO');
    return { stream, firstFrame: reader.byte };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(summary, { file, got: error.message, ...fault });
  }
}

function readStreamInfo(reader: BitReader): FlacStream {
  reader.unsigned(32); // Sizes of blocks,
  reader.unsigned(24); // and of frames,
  reader.unsigned(24);
  reader.unsigned(20); // and the rate, which the header of the record says.
  const channels = reader.unsigned(3) + 1;
  const bitsPerSample = reader.unsigned(5) + 1;
  const samples = reader.unsigned(4) * 2 ** 32 + reader.unsigned(32);
  return { channels, bitsPerSample, samples };
}

/** How the channels of a frame are stored. */
const [leftSide, sideRight, midSide] = [8, 9, 10];
/** Bits of a sample by their code; 0: as the stream says. */
const sampleSizes: Readonly<Record<number, number>> = { 0: 0, 1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32 };

function readFrame(bytes: Uint8Array, at: number, stream: FlacStream): { channels: Int32Array[]; next: number } {
  const reader = new BitReader(bytes, at);
  if (reader.unsigned(14) !== 0x3ffe || reader.unsigned(1) !== 0) throw new FlacFault('no frame begins here');
  reader.unsigned(1);
  const sizeCode = reader.unsigned(4);
  const rateCode = reader.unsigned(4);
  const assignment = reader.unsigned(4);
  const bits = sampleSizes[reader.unsigned(3)];
  if (reader.unsigned(1) !== 0 || bits === undefined || sizeCode === 0 || rateCode === 15 || assignment > midSide) {
    throw new FlacFault('a frame with reserved codes');
  }
  skipNumber(reader);
  const length = blockSize(sizeCode, reader);
  if (rateCode >= 12) reader.unsigned(rateCode === 12 ? 8 : 16);
  const headerEnd = reader.byte;
  if (reader.unsigned(8) !== crc8(bytes, at, headerEnd)) throw new FlacFault('a header with a wrong checksum');
  const count = assignment < leftSide ? assignment + 1 : 2;
  if (count !== stream.channels || (bits !== 0 && bits !== stream.bitsPerSample)) {
    throw new FlacFault(`a frame of ${count} channels and ${bits || stream.bitsPerSample} bits`);
  }
  const channels = Array.from({ length: count }, (_, channel) => {
    const isSide = assignment === sideRight ? channel === 0 : assignment >= leftSide && channel === 1;
    return readSubframe(reader, length, stream.bitsPerSample + (isSide ? 1 : 0));
  });
  reader.align();
  const end = reader.byte;
  if (reader.unsigned(16) !== crc16(bytes, at, end)) throw new FlacFault('a frame with a wrong checksum');
  joinChannels(channels, assignment);
  return { channels, next: end + 2 };
}

/** Passes over the number of the frame, which is stored like a letter in UTF-8. */
function skipNumber(reader: BitReader): void {
  const first = reader.unsigned(8);
  const ones = Math.clz32((~first & 0xff) << 24);
  if (ones === 1 || ones > 7) throw new FlacFault('a frame without a valid number');
  for (let i = 1; i < ones; i++) {
    if (reader.unsigned(8) >> 6 !== 2) throw new FlacFault('a frame without a valid number');
  }
}

function blockSize(code: number, reader: BitReader): number {
  if (code === 1) return 192;
  if (code <= 5) return 576 << (code - 2);
  if (code === 6) return reader.unsigned(8) + 1;
  if (code === 7) return reader.unsigned(16) + 1;
  return 256 << (code - 8);
}

function readSubframe(reader: BitReader, length: number, bits: number): Int32Array {
  if (reader.unsigned(1) !== 0) throw new FlacFault('a subframe with reserved codes');
  const kind = reader.unsigned(6);
  const wasted = reader.unsigned(1) === 1 ? reader.unary() + 1 : 0;
  const width = bits - wasted;
  if (width < 1) throw new FlacFault(`${wasted} wasted bits of ${bits}`);
  const out = new Int32Array(length);
  if (kind === 0) out.fill(reader.signed(width));
  else if (kind === 1) for (let i = 0; i < length; i++) out[i] = reader.signed(width);
  else if (kind >= 8 && kind <= 12) readPredicted(reader, out, width, kind - 8);
  else if (kind >= 32) readPredicted(reader, out, width, kind - 31, true);
  else throw new FlacFault('a subframe with reserved codes');
  if (wasted > 0) for (let i = 0; i < length; i++) out[i] <<= wasted;
  return out;
}

/** Coefficients of the fixed predictors by order, the latest sample first. */
const fixedPredictors: readonly (readonly number[])[] = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]];

/** Warm-up samples, then what a linear predictor of so many samples leaves. */
function readPredicted(reader: BitReader, out: Int32Array, width: number, order: number, isFree = false): void {
  if (order > out.length) throw new FlacFault(`a predictor of ${order} samples in a block of ${out.length}`);
  for (let i = 0; i < order; i++) out[i] = reader.signed(width);
  let [coefficients, shift] = [fixedPredictors[order], 0];
  if (isFree) {
    const precision = reader.unsigned(4) + 1;
    shift = reader.signed(5);
    if (precision === 16 || shift < 0) throw new FlacFault('a predictor with reserved codes');
    coefficients = Array.from({ length: order }, () => reader.signed(precision));
  }
  const scale = 2 ** shift;
  readResidual(reader, out, order);
  for (let i = order; i < out.length; i++) {
    // At most 2^15 times 2^25 times 32: exact.
    let sum = 0;
    for (let k = 0; k < order; k++) sum += coefficients[k] * out[i - 1 - k];
    out[i] += Math.floor(sum / scale);
  }
}

/** Rice codes in partitions, each with a parameter of its own. */
function readResidual(reader: BitReader, out: Int32Array, order: number): void {
  const method = reader.unsigned(2);
  if (method > 1) throw new FlacFault('a residual with reserved codes');
  const parameterBits = 4 + method;
  const escapeCode = 2 ** parameterBits - 1;
  const partitions = 1 << reader.unsigned(4);
  const size = out.length / partitions;
  if (!Number.isInteger(size) || size < order) throw new FlacFault(`${partitions} partitions of ${out.length} samples`);
  for (let partition = 0; partition < partitions; partition++) {
    const parameter = reader.unsigned(parameterBits);
    const end = (partition + 1) * size;
    const raw = parameter === escapeCode ? reader.unsigned(5) : 0;
    for (let i = partition === 0 ? order : partition * size; i < end; i++) {
      if (parameter === escapeCode) out[i] = raw === 0 ? 0 : reader.signed(raw);
      else {
        const code = reader.unary() * 2 ** parameter + reader.unsigned(parameter);
        out[i] = code % 2 === 0 ? code / 2 : -(code + 1) / 2;
      }
    }
  }
}

/** Left and right from what was stored in their place. */
function joinChannels([first, second]: readonly Int32Array[], assignment: number): void {
  if (assignment < leftSide) return;
  for (let i = 0; i < first.length; i++) {
    if (assignment === leftSide) second[i] = first[i] - second[i];
    else if (assignment === sideRight) first[i] += second[i];
    else {
      const sum = (first[i] << 1) | (second[i] & 1);
      first[i] = (sum + second[i]) >> 1;
      second[i] = (sum - second[i]) >> 1;
    }
  }
}

const crc8Table = Uint8Array.from({ length: 256 }, (_, byte) => remainder(byte, 0x07, 8));
const crc16Table = Uint16Array.from({ length: 256 }, (_, byte) => remainder(byte << 8, 0x8005, 16));

function remainder(value: number, polynomial: number, bits: number): number {
  const top = 1 << (bits - 1);
  let rest = value;
  for (let i = 0; i < 8; i++) rest = (rest & top ? (rest << 1) ^ polynomial : rest << 1) & (2 * top - 1);
  return rest;
}

function crc8(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0;
  for (let i = from; i < to; i++) crc = crc8Table[crc ^ bytes[i]];
  return crc;
}

function crc16(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0;
  for (let i = from; i < to; i++) crc = ((crc << 8) & 0xffff) ^ crc16Table[(crc >> 8) ^ bytes[i]];
  return crc;
}
