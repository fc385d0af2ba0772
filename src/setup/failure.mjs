/** A fault that the user can mend: one sentence, and the command that mends it. */
export class SetupFailure extends Error {
  /**
   * @param {string} sentence what is wrong
   * @param {string} [next] the command or action that mends it
   */
  constructor(sentence, next) {
    super(next ? `${sentence} Next: ${next}` : sentence);
    this.name = 'SetupFailure';
  }
}

/** Turns the system's refusals (no permission, read-only, full disk) into sentences; anything else is returned as it is. */
export function explainSystemError(error, what) {
  const place = error.path ?? what;
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return new SetupFailure(
        `${place} cannot be written by this user.`,
        'work in a folder of your own (no step of set-up needs root).',
      );
    case 'EROFS':
      return new SetupFailure(
        `${place} lies on a read-only file system.`,
        'copy the project to a folder that can be written.',
      );
    case 'ENOSPC':
      return new SetupFailure(`The disk of ${place} is full.`, 'free some space, then run set-up again.');
    default:
      return error;
  }
}
