import { createServer } from 'node:http';
import type { Registry } from 'prom-client';
import { LedgerError } from '../errors.ts';

export type MetricsListener = { readonly port: number; readonly close: () => Promise<void> };

/**
 * Shows a lone worker's own figures on `GET /metrics`. They hold counts alone, no IDs; still, without a password it
 * belongs on an address that only the monitoring reaches.
 *
 * @throws LedgerError `address_unavailable`
 */
export async function listenForMetrics(
  registry: Registry,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<MetricsListener> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    request.resume();
    const path = (request.url ?? '').split('?', 1)[0];
    if (path !== '/metrics' || request.method !== 'GET') {
      response.writeHead(path === '/metrics' ? 405 : 404, { 'content-length': 0 }).end();
      return;
    }
    void registry.metrics().then((text) => {
      response.writeHead(200, { 'content-type': registry.contentType, 'cache-control': 'no-store' }).end(text);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(addressError(host, port, cause)));
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: typeof address === 'object' && address !== null ? address.port : port, close };
}

/** Why nothing can listen there, in words. */
export function addressError(host: string, port: number, cause: unknown): LedgerError {
  const { code = 'error' } = cause as NodeJS.ErrnoException;
  return new LedgerError('address_unavailable', `Nothing can listen on ${host}, port ${port} (${code}).`, {
    fields: { reason: code },
    hint: 'Another process may listen there (EADDRINUSE), or the address is not one of this machine.',
    cause,
  });
}
