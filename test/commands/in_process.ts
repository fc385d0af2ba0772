import { vi } from 'vitest';
import { main } from '../../src/cli.ts';

/** Runs a command in this process; resolves to its exit code and to what it prints on both streams. */
export async function callInProcess(
  args: readonly string[],
): Promise<{ readonly code: number; readonly output: string }> {
  let output = '';
  const keep = (text: unknown): boolean => {
    output += String(text);
    return true;
  };
  const streams = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(keep));
  try {
    return { code: await main(args), output };
  } finally {
    for (const stream of streams) stream.mockRestore();
  }
}
