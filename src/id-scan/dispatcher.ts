import { Socket } from 'node:net';
import { buildConnector, EnvHttpProxyAgent, Pool, type Dispatcher } from 'undici';
import { LedgerError } from '../errors.ts';
import type { ProxySettings } from '../config/proxy.ts';
import { isDecodable, isLoopback } from '../config/urls.ts';

/** The connection pool. After `close` no socket is left, not even one that was still connecting. */
export type Connections = { readonly dispatcher: Dispatcher; readonly close: () => Promise<void> };

const tls = { timeout: 10_000, rejectUnauthorized: true };

/**
 * The pool of keep-alive connections to the one origin that this client talks to.
 *
 * - All options are set. Otherwise undici would read the proxy variables of the environment, and
 * `NODE_TLS_REJECT_UNAUTHORIZED=0` would disable certificate checks.
 * - HTTP/1.1 only: its framing tells a cut body from a whole one.
 * - No timeouts for headers and body: every call has its own deadline. Connecting may take 10 s of it.
 *
 * @throws LedgerError `config_invalid` for a proxy that is not an http or https URL.
 */
export function createConnections(base: URL, proxy: ProxySettings, connections: number): Connections {
  const sockets = new Set<Socket>();
  const route = isLoopback(base)
    ? { httpProxy: '', httpsProxy: '', noProxy: '*' }
    : {
        httpProxy: checkedProxy(proxy.httpProxy),
        httpsProxy: checkedProxy(proxy.httpsProxy),
        noProxy: proxy.noProxy ?? '',
      };
  const dispatcher = new EnvHttpProxyAgent({
    ...route,
    connections,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: tracked(buildConnector({ ...tls, allowH2: false }), sockets),
    requestTls: tls,
    proxyTls: tls,
    clientFactory: (origin, options: Pool.Options) =>
      new Pool(
        origin,
        typeof options.connect === 'function' ? { connect: tracked(options.connect, sockets) } : options,
      ),
  });
  return {
    dispatcher,
    close: async () => {
      const destroyed = dispatcher.destroy();
      for (const socket of sockets) socket.destroy();
      await destroyed;
    },
  };
}

/**
 * Tracks every socket until it is closed, because destroying the pool leaves connecting sockets open for 10 s. The
 * `signal` option of `net.connect` would close them too, but it keeps a listener for every connection ever made.
 */
function tracked(connect: buildConnector.connector, sockets: Set<Socket>): buildConnector.connector {
  // undici's connector returns the socket at once, although its type does not say so. A test checks this.
  const connectNow: (...input: Parameters<typeof connect>) => unknown = connect;
  return (options, callback) => {
    const socket = connectNow(options, callback);
    if (!(socket instanceof Socket)) return;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
}

function checkedProxy(given = ''): string {
  if (given === '') return '';
  const url = URL.parse(given);
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url === null || !isHttp || !isDecodable(url.username + url.password))
    throw new LedgerError('config_invalid', 'The proxy’s address is refused.', {
      hint: 'HTTPS_PROXY and HTTP_PROXY are http:// or https:// URLs, with credentials percent-encoded.',
    });
  return given;
}
