import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PythonSession } from '../../src/bridge/session.ts';
import { Transfer } from '../../src/bridge/transfer.ts';
import { bytesOf, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { python, root } from '../shared_data.ts';

it('carries an array of 1 GiB to Python and back, bit for bit', async () => {
  const session = await PythonSession.open({ python, original: join(root, 'test', 'fixtures', 'bridge') });
  try {
    const bits = new Uint32Array(2 ** 28);
    for (let i = 0; i < bits.length; i++) bits[i] = Math.imul(i, 0x9e3779b1);
    const array = ndarray('float32', [2 ** 14, 2 ** 14], new Float32Array(bits.buffer));
    const transfer = new Transfer(session);
    const [back] = await transfer.lend([array], async (files) =>
      transfer.takeAll(await session.call<string[]>('arrays.copy', { folder: transfer.folder(), files })),
    );
    expect(back.shape).toEqual(array.shape);
    expect(Buffer.compare(bytesOf(back), bytesOf(array))).toBe(0);
    const left = readdirSync(session.exchange, { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => name.endsWith('.npy'))).toEqual([]);
  } finally {
    await session.close();
  }
});
