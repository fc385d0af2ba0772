import { describe, expect, it } from 'vitest';
import { wholeCommand } from '../../src/bench/measurement.ts';

describe('wholeCommand', () => {
  it('times a command, with new arguments each round', async () => {
    const given: string[] = [];
    const command = wholeCommand(process.execPath, () => {
      given.push(`process.exit(${given.length})`);
      return ['-e', given.at(-1)!];
    });
    const seconds = await command.round();
    expect(seconds).toBeGreaterThan(0.005);
    expect(seconds).toBeLessThan(30);
    await expect(command.round()).rejects.toThrow('-e process.exit(1) ended with code 1');
  });

  it('shows what a failing command printed last', async () => {
    const command = wholeCommand(process.execPath, () => ['-e', 'console.error("no data"); process.exit(2)']);
    await expect(command.round()).rejects.toThrow(/ended with code 2: no data$/);
  });

  it('reports a program that is not there', async () => {
    await expect(wholeCommand('/no/such/program', () => []).round()).rejects.toThrow('ENOENT');
  });
});
