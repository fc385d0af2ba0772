/** Python could not be started, or its package versions differ from the lock file. */
export class BridgeStartError extends Error {
  override readonly name = 'BridgeStartError';
}

/** The Python process died, exceeded a time limit, or printed more than its log may hold. */
export class BridgeLostError extends Error {
  override readonly name = 'BridgeLostError';
}

/** An exception of the Python side, with the call that raised it and the Python traceback. */
export class PythonError extends Error {
  override readonly name = 'PythonError';
  /** Class of the Python exception, such as `ValueError`. */
  readonly type: string;
  /** The exception's own message. */
  readonly detail: string;
  readonly traceback: string;
  /** Name of the call that failed. */
  readonly request: string;

  constructor(request: string, type: string, detail: string, traceback: string) {
    super(`${request}: ${type}: ${detail}\n${traceback.trimEnd()}`);
    this.request = request;
    this.type = type;
    this.detail = detail;
    this.traceback = traceback;
  }
}
