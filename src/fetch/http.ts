import { type IncomingMessage, Agent as PlainAgent, request as plainRequest, type RequestOptions } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { InputError } from '../errors.ts';
import { answerTo, TemporaryFault } from './answer.ts';
import { ProxyAgent, proxyFor } from './proxy.ts';

export { TemporaryFault };

/** Limits of a request, in milliseconds where they are times. */
export interface HttpLimits {
  /** From the start of a request until all headers of its answer are here; default 30 s. */
  readonly stall?: number;
  /** Most redirects in a row; default 5. */
  readonly redirects?: number;
}

/** An answer, with the address that gave it, after redirects. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly address: string;
  /** The caller reads it to its end, or destroys it. */
  readonly body: IncomingMessage;
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const temporary: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Longest wait (ms) that a server may ask for. */
const longestWait = 120_000;

/**
 * Downloads files by GET and keeps connections open. Uses https only, except for a server on this machine whose address was given with http;
 * a redirect never leads from https to http. Takes proxies from `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
 */
export class HttpClient {
  readonly #limits: Required<HttpLimits>;
  readonly #plain = new PlainAgent({ keepAlive: true });
  readonly #secure: SecureAgent;
  readonly #proxies = new Map<string, ProxyAgent>();
  readonly #authorities: string | undefined;

  /** @param authorities certificates (PEM) to trust instead of Node's. */
  constructor(limits: HttpLimits = {}, authorities?: string) {
    this.#limits = { stall: limits.stall ?? 30_000, redirects: limits.redirects ?? 5 };
    this.#authorities = authorities;
    this.#secure = new SecureAgent({ keepAlive: true, ca: authorities });
  }

  /**
   * Requests a file; statuses 200, 206 and 416 are returned.
   *
   * @throws TemporaryFault if another attempt may succeed, else InputError.
   */
  async get(address: string, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Answer> {
    const from = new URL(address);
    const seen = new Set<string>();
    for (let url = from; ; ) {
      requireSafe(url, from);
      if (seen.has(url.href) || seen.size > this.#limits.redirects) {
        throw new InputError('redirected too often', {
          file: address,
          got: `${seen.size} redirects, at last to ${url.href}`,
          expected: `at most ${this.#limits.redirects}`,
        });
      }
      seen.add(url.href);
      const body = await this.#request(url, headers, signal);
      const status = body.statusCode ?? 0;
      if (status === 200 || status === 206 || status === 416) {
        return { status, headers: body.headers, address: url.href, body };
      }
      // An answer that nobody reads would hold its connection.
      body.destroy();
      const { location } = body.headers;
      if (redirects.has(status) && location !== undefined) url = redirectTarget(location, url);
      else throw refusal(url.href, status, body.headers['retry-after']);
    }
  }

  /** Closes the connections. */
  close(): void {
    for (const agent of [this.#plain, this.#secure, ...this.#proxies.values()]) agent.destroy();
  }

  async #request(url: URL, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<IncomingMessage> {
    const options: RequestOptions = {
      agent: this.#agentFor(url),
      // With compression, ranges and lengths would not count the bytes of the file.
      headers: { 'accept-encoding': 'identity', 'user-agent': 'ecg-transplant', ...headers },
      signal,
    };
    try {
      const request = (url.protocol === 'https:' ? secureRequest : plainRequest)(url, options);
      return (await answerTo(request, this.#limits.stall, url.host)).message;
    } catch (error) {
      throw explain(error as Error, url, signal);
    }
  }

  #agentFor(url: URL): PlainAgent {
    const proxy = url.protocol === 'https:' ? proxyFor(url) : undefined;
    if (proxy === undefined) return url.protocol === 'https:' ? this.#secure : this.#plain;
    const known = this.#proxies.get(proxy.href);
    if (known) return known;
    const agent = new ProxyAgent(proxy, this.#limits.stall, { keepAlive: true, ca: this.#authorities });
    this.#proxies.set(proxy.href, agent);
    return agent;
  }
}

/** Whether the address belongs to this machine. */
function isLocal({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function requireSafe(url: URL, from: URL): void {
  if (url.protocol === 'https:') return;
  if (url.protocol === 'http:' && isLocal(url) && from.protocol === 'http:' && isLocal(from)) return;
  throw new InputError('the address is not safe to download from', {
    file: from.href,
    got: url.href,
    expected: 'https, also after redirects',
  });
}

function redirectTarget(location: string, url: URL): URL {
  try {
    return new URL(location, url);
  } catch {
    throw new InputError('redirected to an invalid address', { file: url.href, got: location });
  }
}

function refusal(address: string, status: number, retryAfter: string | undefined): Error {
  if (temporary.has(status)) return new TemporaryFault(`${address} answered ${status}`, waitOf(retryAfter));
  const next =
    status === 404 || status === 410
      ? 'The publication may have moved: see its page, and pass another --mirror.'
      : status === 401 || status === 403 || status === 407
        ? 'Check whether the publication, or a proxy, requires a login.'
        : undefined;
  return new InputError('the server did not return the file', { file: address, got: `status ${status}`, next });
}

/** Milliseconds that a `Retry-After` asks for. It holds seconds or a date. */
function waitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const wait = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), longestWait) : undefined;
}

/** Codes of certificate errors, which another attempt does not cure. */
const certificateFault = /^(CERT_|ERR_TLS_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

function explain(error: Error, url: URL, signal: AbortSignal | undefined): Error {
  if (signal?.aborted || error instanceof TemporaryFault || error instanceof InputError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? error.message;
  if (certificateFault.test(code)) {
    return new InputError("the server's certificate is not valid", {
      file: url.href,
      got: code,
      next: "Check the clock, and proxies that decrypt https. NODE_EXTRA_CA_CERTS names the file of a company's certificate.",
    });
  }
  return new TemporaryFault(`${url.host} cannot be reached: ${code}`);
}
