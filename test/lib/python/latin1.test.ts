import { expect, it } from 'vitest';
import { latin1FromUtf8 } from '../../../src/lib/python/latin1.ts';

/** Every byte, in an order that puts characters of two bytes at every place of a piece. */
const bytes = Uint8Array.from({ length: 1_000_003 }, (_, k) => (k * k + (k >> 7)) & 0xff);
const utf8 = Buffer.from(Buffer.from(bytes).toString('latin1'), 'utf8');

it("text.encode('latin1'): gives back all bytes, wherever the text begins in memory and ends", () => {
  for (const shift of [0, 1, 2, 3]) {
    const memory = new Uint8Array(utf8.length + shift);
    memory.set(utf8, shift);
    for (const cut of [0, 1, 2, 3]) {
      const expected = bytes.subarray(0, bytes.length - cut);
      const length = Buffer.from(Buffer.from(expected).toString('latin1'), 'utf8').length;
      const got = latin1FromUtf8(memory.subarray(shift, shift + length))!;
      expect(Buffer.compare(got, expected)).toBe(0);
      expect(got.buffer.byteLength).toBe(got.length);
    }
  }
});

it('refuses characters that are not Latin-1 and bytes that are not UTF-8, at every place', () => {
  const wrong = ['Ā', '߿', '�', '€', '💓'].map((text) => Buffer.from(text));
  wrong.push(...[[0xc3], [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xff], [0xe3, 0x80]].map((parts) => Buffer.from(parts)));
  for (const piece of wrong) {
    for (const before of [0, 1, 2, 3, 4, 100]) {
      for (const after of [0, 1, 2, 3, 50]) {
        const text = Buffer.concat([Buffer.alloc(before, '?'), piece, Buffer.alloc(after, '?')]);
        expect(latin1FromUtf8(text), text.toString('hex')).toBeUndefined();
      }
    }
  }
});

it('an empty text has no bytes', () => {
  expect(latin1FromUtf8(new Uint8Array())).toEqual(new Uint8Array());
});
