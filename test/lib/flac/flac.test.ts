import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeFlac, readFlacStream } from '../../../src/lib/flac/flac.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/flac');
const expected: Readonly<Record<string, { channels: number; samples: readonly number[] }>> = JSON.parse(
  readFileSync(join(fixtures, 'expected.json'), 'utf8'),
);
const bytesOf = (name: string): Buffer => readFileSync(join(fixtures, `${name}.flac`));

describe('FLAC streams', () => {
  it.each(Object.entries(expected))('%s: the samples that libsndfile decodes', (name, { channels, samples }) => {
    const bytes = bytesOf(name);
    const count = samples.length / channels;
    expect(readFlacStream(bytes, name)).toMatchObject({ channels, samples: count });
    expect(Array.from(decodeFlac(bytes, name, { from: 0, count }))).toEqual(samples);
    const part = decodeFlac(bytes, name, { from: 99, count: 100 });
    expect(Array.from(part)).toEqual(samples.slice(99 * channels, 199 * channels));
  });

  it('a stream that ends too early, or that holds fewer samples than are wanted', () => {
    const whole = { from: 0, count: 700 };
    expect(() => decodeFlac(bytesOf('deep').subarray(0, -40), 'cut.flac', whole)).toThrow(
      /cut\.flac, frame 0, sample 0, byte \d+: the FLAC stream cannot be decoded; got the stream ends too early/,
    );
    expect(() => decodeFlac(bytesOf('deep'), 'short.flac', { from: 1, count: 700 })).toThrow(
      /got the end of the file after 700 samples; expected 701 samples/,
    );
  });

  it('every changed byte of a frame is noticed', () => {
    const bytes = bytesOf('noise');
    const first = bytes.indexOf(Buffer.of(0xff, 0xf8));
    for (let at = first; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 1 << (at % 8);
      expect(() => decodeFlac(damaged, 'damaged.flac', { from: 0, count: 300 }), `byte ${at}`).toThrow(
        /cannot be decoded/,
      );
    }
  });

  it('other files are refused', () => {
    expect(() => readFlacStream(Buffer.from('RIFF'), 'x.wav')).toThrow(
      /x\.wav: this is not a FLAC stream; expected fLaC/,
    );
    expect(() => readFlacStream(bytesOf('deep').subarray(0, 30), 'x.flac')).toThrow(/got the stream ends too early/);
  });
});
