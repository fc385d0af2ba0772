import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BenchWorker, type Language } from '../../src/bench/worker_process.ts';
import { peersPython } from '../../src/setup/peers.mjs';

const command = [process.execPath, join(import.meta.dirname, 'fake_worker.mjs')] as const;
const start = (name: string, timeoutMs = 20_000): Promise<BenchWorker> =>
  BenchWorker.start('port', { name, settings: {} }, { command, timeoutMs });

describe('a worker of the bench', () => {
  it('keeps one process over its rounds', async () => {
    const worker = await start('count');
    expect(await worker.round()).toEqual({ value: 1, peakBytes: 1e6 });
    expect(await worker.round()).toEqual({ value: 2, peakBytes: 1e6 });
    await worker.close();
    await worker.close();
    await expect(worker.round()).rejects.toThrow('port, count: the worker ended with code 0');
  });

  it('reports the error of a work', async () => {
    await expect(start('fail')).rejects.toThrow('port, fail: ValueError: no such folder');
  });

  it('reports the death of the process with what it printed last', async () => {
    const worker = await start('die');
    await expect(worker.round()).rejects.toThrow(/ended with code 3. It printed last:\nthe disk is on fire/);
    await worker.close();
  });

  it('ends a process that does not answer in time', async () => {
    const worker = await start('hang', 1500);
    await expect(worker.round()).rejects.toThrow('the worker gave no answer within 1.5 s');
    await worker.close();
  });

  it('takes no other line for an answer', async () => {
    const worker = await start('chatter');
    await expect(worker.round()).rejects.toThrow('the worker printed "Seed: 1", which is not an answer');
    await worker.close();
  });

  it('refuses a result that is not a number', async () => {
    const worker = await start('nan');
    await expect(worker.round()).rejects.toThrow('measured null, which is not a number');
    await worker.close();
  });

  it('says when the program is not there', async () => {
    const missing = BenchWorker.start('port', { name: 'any', settings: {} }, { command: ['/no/such/program'] });
    await expect(missing).rejects.toThrow('could not be started: spawn /no/such/program ENOENT');
  });

  it.each<readonly [Language, string]>([
    ['port', 'the port has no work juggle; it has train, predict'],
    ['original', 'the original has no work juggle; it has train, predict'],
    ...(existsSync(peersPython) ? [['pytorch', 'PyTorch has no work juggle; it has train, predict'] as const] : []),
  ])('%s: the real worker knows its works', async (language, message) => {
    await expect(BenchWorker.start(language, { name: 'juggle', settings: {} })).rejects.toThrow(message);
  });

  it('port: the real worker measures', async () => {
    const settings = { records: 60, classes: 4, resamples: 20 };
    const worker = await BenchWorker.start('port', { name: 'metrics', settings });
    const { value, peakBytes } = await worker.round();
    await worker.close();
    expect(value).toBeGreaterThan(0);
    if (process.platform === 'linux') expect(peakBytes).toBeGreaterThan(10e6);
  });
});
