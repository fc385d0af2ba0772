import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net';

/** A file that the server publishes. */
export interface Published {
  content: Buffer;
  etag?: string;
}

/** What a test does to an answer: returns true if it has answered itself. */
export type Fault = (request: IncomingMessage, response: ServerResponse, attempt: number) => boolean | undefined;

/** An http server on this machine that publishes files with ranges, and counts what is asked of it. */
export interface TestServer {
  readonly address: string;
  readonly files: Map<string, Published>;
  /** Requests in order: path and range. */
  readonly requests: { readonly path: string; readonly range: string | undefined }[];
  /** Whether ranges are served; default true. */
  ranges: boolean;
  fault: Fault | undefined;
  publish(path: string, content: Buffer | string): void;
  close(): Promise<void>;
}

export const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');

/** Starts the server. */
export async function startServer(): Promise<TestServer> {
  const attempts = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!.slice(1));
    const { range, 'if-range': ifRange } = request.headers;
    self.requests.push({ path, range });
    const attempt = (attempts.get(path) ?? 0) + 1;
    attempts.set(path, attempt);
    if (self.fault?.(request, response, attempt)) return;
    const file = self.files.get(path);
    if (!file) return void response.writeHead(404).end('not here');
    const etag = file.etag ?? `"${sha256(file.content).slice(0, 16)}"`;
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]);
    const length = file.content.length;
    if (!self.ranges || Number.isNaN(from) || (ifRange !== undefined && ifRange !== etag)) {
      response.writeHead(200, { etag, 'content-length': length }).end(file.content);
    } else if (from >= length) {
      response.writeHead(416, { 'content-range': `bytes */${length}` }).end();
    } else {
      const headers = {
        etag,
        'content-length': length - from,
        'content-range': `bytes ${from}-${length - 1}/${length}`,
      };
      response.writeHead(206, headers).end(file.content.subarray(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: TestServer = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    files: new Map(),
    requests: [],
    ranges: true,
    fault: undefined,
    publish(path, content) {
      self.files.set(path, { content: Buffer.from(content) });
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return self;
}

/** A server that answers each connection as the test says, byte by byte. */
export interface RawServer {
  readonly address: string;
  readonly port: number;
  close(): void;
}

/** Starts it; `answer` is called when a request has begun to arrive. Timers that it returns are cleared when the connection ends. */
export async function startRawServer(answer: (socket: Socket) => NodeJS.Timeout | undefined): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const server = createSocketServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => {
      const timer = answer(socket);
      socket.on('close', () => clearInterval(timer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/`,
    port,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Sends the head of a whole answer and its first bytes, then ends the connection. */
export function cutAt(response: ServerResponse, { content, etag }: Published, from: number, count: number): true {
  const length = content.length;
  response.writeHead(from === 0 ? 200 : 206, {
    etag: etag ?? `"${sha256(content).slice(0, 16)}"`,
    'content-length': length - from,
    ...(from > 0 && { 'content-range': `bytes ${from}-${length - 1}/${length}` }),
  });
  // A moment later, since bytes that the client has not read yet may be lost with the connection.
  response.write(content.subarray(from, from + count), () => setTimeout(() => response.destroy(), 20));
  return true;
}
