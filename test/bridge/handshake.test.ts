import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BridgeStartError } from '../../src/bridge/errors.ts';
import { handshake } from '../../src/bridge/handshake.ts';
import type { PythonFacts } from '../../src/bridge/original.ts';
import { Original } from '../../src/bridge/original.ts';
import { runtime } from '../../src/graph/runtime.ts';
import { lockFile } from '../../src/lib/installation.mjs';
import { python, root } from '../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'handshake-'));
let facts: PythonFacts;

beforeAll(async () => {
  runtime();
  const original = await Original.open({ python, original: join(root, 'original') });
  try {
    facts = await handshake(original, lockFile());
    expect(await original.shims()).toEqual([]);
  } finally {
    await original.close();
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The handshake with a Python that says of itself what is given. */
function against(claimed: Partial<PythonFacts>, lock = lockFile()): Promise<PythonFacts> {
  return handshake({ facts: async () => ({ ...facts, ...claimed }) } as unknown as Original, lock);
}

describe('handshake', () => {
  it('says what Python runs on', () => {
    expect(facts).toMatchObject({ tensorflow: '2.16.1', keras: '3.3.3', numpy: '1.26.4', parity: {} });
    expect(facts.library).toEqual([expect.stringContaining('libtensorflow_cc')]);
  });

  it.each(['tensorflow', 'keras', 'numpy', 'pandas', 'sklearn', 'wfdb', 'samplerate'] as const)(
    'refuses another version of %s than the lock pins, naming both',
    async (name) => {
      const refused = against({ [name]: '0.0.1' });
      await expect(refused).rejects.toThrow(BridgeStartError);
      await expect(refused).rejects.toThrow(/0\.0\.1, .*requirements.*\.lock pins \d.*npm run setup/);
    },
  );

  it('looks for tf_keras where the old Keras runs', async () => {
    await expect(against({ keras: '2.16.0' })).resolves.toMatchObject({ keras: '2.16.0' });
    await expect(against({ keras: '2.15.0' })).rejects.toThrow(/tf-keras 2\.15\.0/);
  });

  it('goes by the lock it is given', async () => {
    const lock = join(folder, 'other.lock');
    writeFileSync(lock, readFileSync(lockFile(), 'utf8').replace(/^numpy==1\.26\.4/m, 'numpy==1.26.5'));
    await expect(against({}, lock)).rejects.toThrow(/numpy 1\.26\.4, .*other\.lock pins 1\.26\.5/);
  });

  it('refuses another TensorFlow library than the one in this process', async () => {
    await expect(against({ library: ['/elsewhere/libtensorflow_cc.so.2'] })).rejects.toThrow(/must be one file/);
    await expect(against({ library: [] })).rejects.toThrow(/Python \(none\)/);
  });
});
