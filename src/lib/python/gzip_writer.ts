import { promisify } from 'node:util';
import { constants, deflateRaw } from 'node:zlib';
import { crc32 } from './crc32.ts';

/** Bytes that are compressed on their own: large enough that what could repeat from block to block does not matter. */
const BLOCK = 1 << 20;

/** Blocks that are compressed at the same time: as many as Node has threads for it. */
const AT_ONCE = 4;

const deflate = promisify(deflateRaw);

/** Magic number, deflate, no name and no time, fastest level, Unix. */
const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 3);

/** An empty block that is marked as the last one. */
const lastBlock = Uint8Array.of(3, 0);

/**
 * Compresses data as one gzip member, block after block, with several blocks at a time on threads. Any gzip unpacks it. Equal data give equal bytes, on any
 * number of threads.
 */
export async function* gzipBlocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield header;
  let crc = 0;
  let size = 0;
  const running: Promise<Buffer>[] = [];
  for await (const block of blocksOf(source)) {
    crc = crc32(block, crc);
    size += block.length;
    // Level 1: Python's level 9 makes recordings hardly smaller and takes ten times as long.
    const packed = deflate(block, { level: 1, finishFlush: constants.Z_SYNC_FLUSH });
    // The error is thrown when it is this block's turn; until then it must not count as unhandled.
    packed.catch(() => {});
    running.push(packed);
    if (running.length >= AT_ONCE) yield await running.shift()!;
  }
  for (const packed of running) yield await packed;
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, crc, true);
  trailer.setUint32(4, size % 2 ** 32, true);
  yield lastBlock;
  yield new Uint8Array(trailer.buffer);
}

/** The same data in blocks of `BLOCK` bytes, the last one shorter. */
async function* blocksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let block = new Uint8Array(BLOCK);
  let filled = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + BLOCK - filled);
      block.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < BLOCK) continue;
      yield block;
      // The full block is still being read.
      block = new Uint8Array(BLOCK);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}
