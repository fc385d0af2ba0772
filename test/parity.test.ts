import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './shared_data.ts';

describe('PARITY.md', () => {
  it('names a twin and a proof, or a reason, for every public name of original/, and is up to date', () => {
    const ledger = spawnSync(process.execPath, [join(root, 'scripts', 'parity-ledger.mjs'), '--check'], {
      encoding: 'utf8',
    });
    expect(ledger.stderr).toBe('');
    expect(ledger.status).toBe(0);
  });
});
