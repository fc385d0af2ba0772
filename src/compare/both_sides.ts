import { setImmediate } from 'node:timers/promises';

/**
 * Runs both sides at the same time. The port blocks this process's only thread, so the request to Python is sent first. Both have ended
 * when this returns or throws.
 */
export async function bothSides<Ours, Theirs>(
  original: () => Promise<Theirs>,
  port: () => Ours | Promise<Ours>,
): Promise<[ours: Ours, theirs: Theirs]> {
  const asked = original();
  // If Python fails early, the error is thrown after the port has ended.
  asked.catch(() => undefined);
  await setImmediate();
  let ours: Ours;
  try {
    ours = await port();
  } catch (error) {
    await asked.catch(() => undefined);
    throw error;
  }
  return [ours, await asked];
}
