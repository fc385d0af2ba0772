import { request } from 'node:http';
import { type AgentOptions, type RequestOptions, Agent as SecureAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import { InputError } from '../errors.ts';
import { answerTo } from './answer.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy that the environment names for an https address: `HTTPS_PROXY` or `ALL_PROXY`, in upper or lower case, unless `NO_PROXY` lists the host. */
export function proxyFor(url: URL, environment: Environment = process.env): URL | undefined {
  const text = read(environment, 'https_proxy') || read(environment, 'all_proxy');
  if (!text || isExcepted(url, read(environment, 'no_proxy') ?? '')) return undefined;
  const proxy = parse(text);
  if (proxy?.protocol !== 'http:') {
    throw new InputError('this proxy cannot be used', {
      where: 'HTTPS_PROXY',
      got: proxy ? `${proxy.protocol}//${proxy.host}` : JSON.stringify(text),
      expected: 'http://host:port',
    });
  }
  return proxy;
}

function read(environment: Environment, name: string): string | undefined {
  return environment[name] || environment[name.toUpperCase()];
}

function parse(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

/** `NO_PROXY`: hosts and domains, separated by commas, or `*`. */
function isExcepted({ hostname, port }: URL, exceptions: string): boolean {
  return exceptions
    .split(',')
    .map((entry) =>
      entry
        .trim()
        .toLowerCase()
        .replace(/^\*?\./, ''),
    )
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [host, at] = entry.split(':') as [string, string?];
      if (at !== undefined && at !== (port || '443')) return false;
      return host === '*' || hostname === host || hostname.endsWith(`.${host}`);
    });
}

/** Sends https through a tunnel (CONNECT) of an http proxy. */
export class ProxyAgent extends SecureAgent {
  readonly #proxy: URL;
  readonly #limit: number;

  /** @param limit milliseconds within which the proxy must answer. */
  constructor(proxy: URL, limit: number, options: AgentOptions) {
    super(options);
    this.#proxy = proxy;
    this.#limit = limit;
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    // An agent that returns no socket waits for one from the callback. With an error, the callback ignores the socket.
    const give = callback as (error: Error | null, socket?: Duplex) => void;
    this.#tunnel(`${options.host}:${options.port}`).then(
      (socket) => give(null, connect({ ...(options as ConnectionOptions), socket })),
      give,
    );
    return undefined;
  }

  async #tunnel(path: string): Promise<Duplex> {
    const { hostname, port, username, password } = this.#proxy;
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
    const file = `${hostname}:${port || 80}`;
    const tunnel = request({
      host: hostname,
      port: port || 80,
      method: 'CONNECT',
      path,
      headers: { host: path, ...(username && { 'proxy-authorization': `Basic ${login}` }) },
    });
    const { message, socket } = await answerTo(tunnel, this.#limit, `the proxy ${file}`);
    if (message.statusCode === 200) return socket;
    socket.destroy();
    const next = 'See HTTPS_PROXY and NO_PROXY.';
    throw new InputError('the proxy refused the connection', { file, got: `status ${message.statusCode}`, next });
  }
}
