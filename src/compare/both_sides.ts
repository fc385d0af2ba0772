import { setImmediate } from 'node:timers/promises';

/**
 * Asks the original, and lets the port compute while Python does: the port holds this process's only thread, so the question has to leave
 * first. Both have ended when this returns or throws.
 */
export async function bothSides<Ours, Theirs>(
  original: () => Promise<Theirs>,
  port: () => Ours | Promise<Ours>,
): Promise<[ours: Ours, theirs: Theirs]> {
  const asked = original();
  // An early failure of Python waits for the port's end.
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
