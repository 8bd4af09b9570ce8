import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { certificateFor } from './certificate.ts';
import {
  allOf,
  clientFor,
  failureOf,
  json,
  listen,
  noSink,
  serve,
  serveRaw,
  transaction,
  transactionId,
} from './support.ts';
import { until, type Peer } from './support.ts';

const host = 'api.idscan.test';
const baseUrl = new URL(`https://${host}/id-scan/v1/`);
const certificate = certificateFor(host);
const proxyCertificate = certificateFor('localhost');

/** An https server for `host`; `requests` counts what got through its encryption. */
async function serveTls(): Promise<Peer & { requests: http.IncomingMessage[] }> {
  const requests: http.IncomingMessage[] = [];
  const server = https.createServer({ ...certificate, ALPNProtocols: ['h2', 'http/1.1'] }, (request, response) => {
    requests.push(request);
    json(transaction())(request, response);
  });
  server.on('tlsClientError', () => undefined);
  return { ...(await listen(server, '127.0.0.1', 'https')), requests };
}

/** A proxy that tunnels everything to one port, or answers `refusal`. */
async function serveProxy(port: number, refusal?: string, server: http.Server | https.Server = http.createServer()) {
  const tunnels: http.IncomingMessage[] = [];
  server.on('connect', (request, socket, head) => {
    tunnels.push(request);
    socket.on('error', () => undefined);
    if (refusal !== undefined) {
      socket.end(refusal);
      return;
    }
    const target = net.connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.write(head);
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => undefined);
    socket.on('close', () => target.destroy());
    onTestFinished(() => void target.destroy());
  });
  return { ...(await listen(server)), tunnels };
}

/** Trusts the test's certificates until the test ends. */
function trustCertificates(): void {
  const usual = tls.getCACertificates('default');
  tls.setDefaultCACertificates([...usual, certificate.cert, proxyCertificate.cert]);
  onTestFinished(() => tls.setDefaultCACertificates(usual));
}

describe('TLS', () => {
  test('an untrusted certificate gets no request, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = await serveTls();
    const error = await failureOf(clientFor(server.base).getTransaction(transactionId), 'vendor_unreachable');
    expect(error.cause).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(server.requests).toEqual([]);
    expect(server.accepted()).toBe(1);
  });

  test('a certificate for another name gets no request', async () => {
    trustCertificates();
    const server = await serveTls();
    const base = new URL(server.base.href.replace('127.0.0.1', 'localhost'));
    const error = await failureOf(clientFor(base).getTransaction(transactionId), 'vendor_unreachable');
    expect(error.cause).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(server.requests).toEqual([]);
  });

  test('a trusted one is used, over HTTP/1.1', async () => {
    trustCertificates();
    const server = await serveTls();
    await clientFor(server.base).getTransaction(transactionId);
    expect(server.requests[0]?.httpVersion).toBe('1.1');
    expect((server.requests[0]?.socket as tls.TLSSocket).alpnProtocol).toBe('http/1.1');
  });

  test.each<[string, (socket: net.Socket) => unknown]>([
    ['ends', (socket) => socket.end()],
    ['resets', (socket) => socket.resetAndDestroy()],
    ['speaks plain HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('a server that %s instead of shaking hands is tried once', async (_, answer) => {
    const server = await serveRaw((socket) => socket.once('data', () => answer(socket)));
    const base = new URL(server.base.href.replace('http:', 'https:'));
    await failureOf(clientFor(base).getTransaction(transactionId), 'vendor_unreachable');
    expect(server.accepted()).toBe(1);
  });

  test('a server that is silent instead ends with the deadline, and close() leaves nothing connecting', async () => {
    const server = await serveRaw((socket) => socket.resume());
    const client = clientFor(new URL(server.base.href.replace('http:', 'https:')), { limits: { jsonTimeoutMs: 100 } });
    await failureOf(client.getTransaction(transactionId), 'vendor_timeout');
    await client.close();
    await until(() => server.open() === 0);
  });
});

describe('a proxy', () => {
  test.each(['httpsProxy', 'httpProxy'])('given as %s tunnels to the API', async (name) => {
    trustCertificates();
    const server = await serveTls();
    const proxy = await serveProxy(server.port);
    const url = `http://us%40er:pass@127.0.0.1:${proxy.port}`;
    const client = clientFor(baseUrl, { proxy: { [name]: url } });
    await client.getTransaction(transactionId);
    await client.downloadFile(`https://${host}/downloads/TOK`, noSink);
    expect(proxy.tunnels[0]?.url).toBe(`${host}:443`);
    expect(proxy.tunnels[0]?.headers['proxy-authorization']).toBe(`Basic ${btoa('us@er:pass')}`);
    expect(proxy.tunnels[0]?.headers.authorization, 'the token is not for the proxy').toBeUndefined();
    expect(server.requests.map((request) => request.headers.host)).toEqual([host, host]);
    await client.close();
    await until(() => proxy.open() === 0 && server.open() === 0);
  });

  test('may itself be reached over TLS', async () => {
    trustCertificates();
    const server = await serveTls();
    const proxy = await serveProxy(server.port, undefined, https.createServer(proxyCertificate));
    const client = clientFor(baseUrl, { proxy: { httpsProxy: `https://localhost:${proxy.port}` } });
    await client.getTransaction(transactionId);
    expect([proxy.tunnels.length, server.requests.length]).toEqual([1, 1]);
    await client.close();
    await until(() => proxy.open() === 0 && server.open() === 0);
  });

  test('over TLS is not believed with any certificate', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    const proxy = await serveProxy(0, undefined, https.createServer(proxyCertificate));
    const client = clientFor(baseUrl, { proxy: { httpsProxy: `https://localhost:${proxy.port}` } });
    await failureOf(client.getTransaction(transactionId), 'vendor_unreachable');
    expect(proxy.tunnels).toEqual([]);
  });

  test.each([
    ['refuses', 'HTTP/1.1 403 Forbidden\r\n\r\n'],
    ['wants credentials', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'],
    ['hangs up', ''],
    ['is none', 'hello'],
  ])('that %s makes the API unreachable', async (_, refusal) => {
    const proxy = await serveProxy(0, refusal);
    const httpsProxy = `http://user:s3cret@127.0.0.1:${proxy.port}`;
    const error = await failureOf(
      clientFor(baseUrl, { proxy: { httpsProxy } }).getTransaction(transactionId),
      'vendor_unreachable',
    );
    expect(allOf(error)).not.toContain('s3cret');
    expect(proxy.tunnels).toHaveLength(1);
  });

  test('that tunnels into silence ends with the deadline, and close() leaves nothing', async () => {
    const silent = await serveRaw((socket) => socket.resume());
    const proxy = await serveProxy(silent.port);
    const client = clientFor(baseUrl, {
      proxy: { httpsProxy: `http://127.0.0.1:${proxy.port}` },
      limits: { jsonTimeoutMs: 100 },
    });
    await failureOf(client.getTransaction(transactionId), 'vendor_timeout');
    await client.close();
    await until(() => proxy.open() === 0);
  });

  test('gets no other certificate past the client, whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = await serveTls();
    const proxy = await serveProxy(server.port);
    const client = clientFor(baseUrl, { proxy: { httpsProxy: `http://127.0.0.1:${proxy.port}` } });
    await failureOf(client.getTransaction(transactionId), 'vendor_unreachable');
    expect(server.requests).toEqual([]);
  });

  test.each(['127.0.0.1', 'localhost'])('is never asked for %s', async (loopback) => {
    const server = await serve(json(transaction()));
    const proxy = await serveProxy(server.port);
    const url = `http://127.0.0.1:${proxy.port}`;
    const base = new URL(server.base.href.replace('127.0.0.1', loopback));
    await clientFor(base, { proxy: { httpProxy: url, httpsProxy: url } }).getTransaction(transactionId);
    expect([server.requests.length, proxy.accepted()]).toEqual([1, 0]);
  });

  test.each([host, `.idscan.test`, '*', `other.test, ${host}:443`])(
    'is not asked where NO_PROXY is %s',
    async (noProxy) => {
      const proxy = await serveProxy(0);
      const httpsProxy = `http://127.0.0.1:${proxy.port}`;
      await failureOf(
        clientFor(baseUrl, { proxy: { httpsProxy, noProxy } }).getTransaction(transactionId),
        'vendor_unreachable',
      );
      expect(proxy.accepted()).toBe(0);
    },
  );

  test('of the environment is not read here', async () => {
    const proxy = await serveProxy(0);
    for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'])
      vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    await failureOf(clientFor(baseUrl).getTransaction(transactionId), 'vendor_unreachable');
    expect(proxy.accepted()).toBe(0);
  });

  test.each(['proxy.example:3128', 'socks5://127.0.0.1:1080', 'not a URL', 'http://a%zz:s3cret@127.0.0.1:1'])(
    '%s is refused at once, without its credentials',
    (httpsProxy) => {
      const failing = (): unknown => clientFor(baseUrl, { proxy: { httpsProxy } });
      expect(failing).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error);
      expect(failing).not.toThrow(/s3cret|3128/);
    },
  );
});
