/** Python could not be started, or its versions are not those of the lock. */
export class BridgeStartError extends Error {
  override readonly name = 'BridgeStartError';
}

/** The Python process died, hung past its time limit, or wrote more than its log may hold. */
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
