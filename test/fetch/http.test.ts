import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createProxy, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { HttpClient, TemporaryFault } from '../../src/fetch/http.ts';
import { proxyFor } from '../../src/fetch/proxy.ts';
import { type RawServer, startRawServer, startServer, type TestServer } from './server.ts';

async function textOf(client: HttpClient, address: string, headers: Record<string, string> = {}): Promise<string> {
  const { body } = await client.get(address, headers);
  let text = '';
  for await (const chunk of body) text += chunk;
  return text;
}

describe('redirects', () => {
  let server: TestServer;
  let other: TestServer;
  const client = new HttpClient();
  const redirect = (to: string | undefined, status = 302): void => {
    server.fault = ({ url }, response) =>
      url === '/start' && Boolean(response.writeHead(status, to === undefined ? {} : { location: to }).end());
  };

  beforeEach(async () => {
    [server, other] = await Promise.all([startServer(), startServer()]);
    server.publish('end', 'here');
    other.publish('end', 'there');
  });

  afterEach(() => Promise.all([server.close(), other.close()]));
  afterAll(() => client.close());

  it.each([301, 302, 303, 307, 308])('%i, to a relative address', async (status) => {
    redirect('end', status);
    expect(await textOf(client, `${server.address}start`)).toBe('here');
  });

  it('to another host, which is asked for the same range', async () => {
    redirect(`${other.address}end`);
    expect(await textOf(client, `${server.address}start`, { range: 'bytes=2-' })).toBe('ere');
    expect(other.requests).toEqual([{ path: 'end', range: 'bytes=2-' }]);
  });

  it('in a circle, and without an end', async () => {
    redirect('/start');
    await expect(client.get(`${server.address}start`, {})).rejects.toThrow(/redirected too often/);
    let count = 0;
    server.fault = (_, response) => Boolean(response.writeHead(302, { location: `/start${count++}` }).end());
    await expect(client.get(`${server.address}start`, {})).rejects.toThrow(/got 6 redirects, .*expected at most 5/);
  });

  it.each([
    ['http of another host', 'http://physionet.example/end'],
    ['a file', 'file:///etc/passwd'],
    ['data', 'data:text/plain,x'],
  ])('never to %s', async (_, to) => {
    redirect(to);
    const get = client.get(`${server.address}start`, {});
    await expect(get).rejects.toThrow(InputError);
    await expect(get).rejects.toThrow(/not safe to download from; got .*; expected https/);
  });

  it('to something that is no address, or nowhere', async () => {
    redirect('http://[');
    await expect(client.get(`${server.address}start`, {})).rejects.toThrow(/an invalid address; got http:\/\/\[/);
    redirect(undefined);
    await expect(client.get(`${server.address}start`, {})).rejects.toThrow(/did not return the file; got status 302/);
  });

  it('http is for this machine alone', async () => {
    await expect(client.get('http://physionet.org/files/', {})).rejects.toThrow(/not safe/);
    await expect(client.get('http://127.0.0.1.example/', {})).rejects.toThrow(/not safe/);
  });
});

/** Servers that never come to their answer. */
const evasions: readonly (readonly [string, Parameters<typeof startRawServer>[0], RegExp])[] = [
  ['silence', () => undefined, /did not answer within 0.3 s/],
  [
    'a head that trickles',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx: ');
      return setInterval(() => socket.write('y'), 10);
    },
    /did not answer within 0.3 s/,
  ],
  [
    'header after header',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      return setInterval(() => socket.write('x: y\r\n'), 10);
    },
    /did not answer within 0.3 s/,
  ],
  [
    'interim answers, slowly',
    (socket) => setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 50),
    /did not answer within 0.3 s/,
  ],
  [
    'interim answers, at once',
    (socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(5000));
      return undefined;
    },
    /17 interim answers \(1xx\)/,
  ],
  [
    'a head without end, at once',
    (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`);
      return undefined;
    },
    /HPE_HEADER_OVERFLOW/,
  ],
  [
    'an end instead of an answer',
    (socket) => {
      socket.end();
      return undefined;
    },
    /cannot be reached: ECONNRESET/,
  ],
];

const switched = (socket: { write(text: string): unknown }): undefined => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n');
};

describe('a server that evades its answer', () => {
  const limit = 300;
  let raw: RawServer;
  afterEach(() => raw.close());

  it.each(evasions)('%s: ends in time', async (_, answer, message) => {
    raw = await startRawServer(answer);
    const client = new HttpClient({ stall: limit });
    const get = client.get(raw.address, {});
    await expect(get).rejects.toThrow(TemporaryFault);
    await expect(get).rejects.toThrow(message);
    client.close();
  });

  it('another protocol is refused', async () => {
    raw = await startRawServer(switched);
    const client = new HttpClient({ stall: limit });
    const get = client.get(raw.address, {});
    await expect(get).rejects.toThrow(InputError);
    await expect(get).rejects.toThrow(/did not return the file; got status 101/);
    client.close();
  });

  it.each(evasions)('a proxy: %s', async (_, answer) => {
    raw = await startRawServer(answer);
    process.env.HTTPS_PROXY = `http://127.0.0.1:${raw.port}`;
    try {
      const client = new HttpClient({ stall: limit });
      const get = client.get('https://physionet.example/', {});
      await expect(get).rejects.toThrow(
        /did not answer within 0.3 s|cannot be reached|the proxy refused the connection; got status 10[23]/,
      );
      client.close();
    } finally {
      delete process.env.HTTPS_PROXY;
    }
  });

  it('a proxy that speaks another protocol', async () => {
    raw = await startRawServer(switched);
    process.env.HTTPS_PROXY = `http://127.0.0.1:${raw.port}`;
    try {
      const client = new HttpClient({ stall: limit });
      await expect(client.get('https://physionet.example/', {})).rejects.toThrow(/status 101/);
      client.close();
    } finally {
      delete process.env.HTTPS_PROXY;
    }
  });
});

const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version']);
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasOpenssl)('https', () => {
  const folder = mkdtempSync(join(tmpdir(), 'https-'));
  const closing: Server[] = [];
  let port: number;
  let certificate: string;
  let through: string[];
  let proxy: string;
  let login: string | undefined;

  beforeAll(async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost';
    const names = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert];
    execFileSync('openssl', [...request.split(' '), ...names], { stdio: 'ignore' });
    certificate = readFileSync(cert, 'utf8');
    const secure = createSecureServer({ key: readFileSync(key), cert: certificate }, ({ url }, response) => {
      if (url === '/plain') response.writeHead(302, { location: 'http://127.0.0.1/x' }).end();
      else response.end('secure');
    });
    const tunnels = createProxy();
    tunnels.on('connect', ({ url, headers }, socket) => {
      through.push(url!);
      if (login !== undefined && headers['proxy-authorization'] !== login) {
        socket.end('HTTP/1.1 407 Login\r\n\r\n');
        return;
      }
      const upstream = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      for (const end of [upstream, socket]) end.on('error', () => undefined);
    });
    for (const server of [secure, tunnels]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closing.push(server);
    }
    port = (secure.address() as AddressInfo).port;
    proxy = `127.0.0.1:${(tunnels.address() as AddressInfo).port}`;
  });

  beforeEach(() => {
    through = [];
    login = undefined;
  });

  afterEach(() => {
    delete process.env.HTTPS_PROXY;
    delete process.env.NO_PROXY;
  });

  afterAll(() => {
    for (const server of closing) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it('with a certificate that is trusted, and not with another', async () => {
    const client = new HttpClient({}, certificate);
    expect(await textOf(client, `https://localhost:${port}/`)).toBe('secure');
    const strict = new HttpClient();
    await expect(strict.get(`https://localhost:${port}/`, {})).rejects.toThrow(
      /the server's certificate is not valid; got DEPTH_ZERO_SELF_SIGNED_CERT/,
    );
    client.close();
    strict.close();
  });

  it('is never left for http, this machine included', async () => {
    const client = new HttpClient({}, certificate);
    await expect(client.get(`https://localhost:${port}/plain`, {})).rejects.toThrow(/not safe to download from/);
    client.close();
  });

  it('through a proxy, with a login, unless NO_PROXY excepts the host', async () => {
    const client = new HttpClient({}, certificate);
    process.env.HTTPS_PROXY = `http://anna:pass%20word@${proxy}`;
    login = `Basic ${Buffer.from('anna:pass word').toString('base64')}`;
    expect(await textOf(client, `https://localhost:${port}/`)).toBe('secure');
    expect(through).toEqual([`localhost:${port}`]);
    process.env.NO_PROXY = 'example.org, localhost';
    expect(await textOf(client, `https://localhost:${port}/`)).toBe('secure');
    expect(through.length).toBe(1);
    client.close();
  });

  it('a proxy that refuses, and one that is not there', async () => {
    const client = new HttpClient({}, certificate);
    process.env.HTTPS_PROXY = `http://${proxy}`;
    login = 'Basic x';
    await expect(client.get(`https://localhost:${port}/`, {})).rejects.toThrow(
      /the proxy refused the connection; got status 407/,
    );
    process.env.HTTPS_PROXY = 'http://127.0.0.1:9';
    const get = client.get(`https://localhost:${port}/`, {});
    await expect(get).rejects.toThrow(TemporaryFault);
    client.close();
  });
});

describe('the proxy of the environment', () => {
  const url = new URL('https://physionet.org/files/');

  it.each([
    [{}, undefined],
    [{ HTTPS_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
    [{ https_proxy: 'http://proxy:3128', HTTPS_PROXY: 'http://other:1' }, 'http://proxy:3128/'],
    [{ ALL_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
    [{ HTTP_PROXY: 'http://proxy:3128' }, undefined],
    [{ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '*' }, undefined],
    [{ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'a.org,.physionet.org' }, undefined],
    [{ HTTPS_PROXY: 'http://proxy:3128', no_proxy: 'physionet.org:443' }, undefined],
    [{ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'physionet.org:80,net.org,org.physionet' }, 'http://proxy:3128/'],
  ])('%j', (environment, expected) => {
    expect(proxyFor(url, environment)?.href).toBe(expected);
  });

  it.each(['socks5://proxy:1080', 'proxy:3128', 'https://proxy'])('%s is refused', (text) => {
    expect(() => proxyFor(url, { HTTPS_PROXY: text })).toThrow(/HTTPS_PROXY: this proxy cannot be used/);
  });
});
