import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { InputError } from '../errors.ts';

/** A failure that may have passed when the request is repeated. */
export class TemporaryFault extends Error {
  override readonly name = 'TemporaryFault';
  /** How long the server asks to wait (ms). */
  readonly wait: number | undefined;

  constructor(message: string, wait?: number) {
    super(message);
    this.wait = wait;
  }
}

/** Largest number of interim answers (1xx) before the real one. */
const mostInterim = 16;

/**
 * Sends a request and waits for all headers of its answer. Whatever the server does, the promise settles within `limit` milliseconds.
 *
 * @param server name for messages.
 * @returns the answer, and for CONNECT the connection through the proxy.
 * @throws TemporaryFault, InputError if the server answers in another protocol, or the error of the connection.
 */
export function answerTo(
  request: ClientRequest,
  limit: number,
  server: string,
): Promise<{ readonly message: IncomingMessage; readonly socket: Duplex }> {
  return new Promise((resolve, reject) => {
    const give = (message: IncomingMessage, socket: Duplex): void => {
      clearTimeout(clock);
      resolve({ message, socket });
    };
    const clock = setTimeout(() => {
      request.destroy(new TemporaryFault(`${server} did not answer within ${limit / 1000} s`));
    }, limit);
    let interim = 0;
    request.on('information', () => {
      if (++interim <= mostInterim) return;
      request.destroy(new TemporaryFault(`${server} sent ${interim} interim answers (1xx) and no other`));
    });
    request.on('response', (message) => give(message, message.socket));
    request.on('connect', give);
    request.on('upgrade', (_message, socket) => {
      socket.destroy();
      reject(
        new InputError('the server did not return the file', { file: server, got: 'status 101 (another protocol)' }),
      );
    });
    request.on('error', (error) => reject(error));
    // A request may also end without any of the events above.
    request.on('close', () => {
      clearTimeout(clock);
      reject(new TemporaryFault(`${server} ended the connection without an answer`));
    });
    request.end();
  });
}
