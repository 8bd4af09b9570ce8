import { createServer, type RequestListener } from 'node:http';
import type { Registry } from 'prom-client';
import { LedgerError } from '../errors.ts';
import type { Checks } from '../jobs/queue/shared-check.ts';

export type MetricsListener = { readonly port: number; readonly close: () => Promise<void> };

type Answer = { readonly status: number; readonly type: string; readonly text: string };

/**
 * Serves a worker that runs without the service: its own metrics on `GET /metrics`, liveness on `GET /healthz`, and
 * readiness on `GET /readyz`. These contain counts and names of servers but no IDs. There is no password, so the
 * address must be reachable by the monitoring only.
 *
 * @param checks what the worker needs to be ready.
 * @throws LedgerError `address_unavailable`
 */
export async function listenForMetrics(
  registry: Registry,
  { host, port }: { readonly host: string; readonly port: number },
  checks: Checks,
): Promise<MetricsListener> {
  const routes: Readonly<Record<string, () => Promise<Answer>>> = {
    '/metrics': async () => ({ status: 200, type: registry.contentType, text: await registry.metrics() }),
    '/healthz': () => Promise.resolve(json(200, { status: 'ok' })),
    '/readyz': () => readiness(checks),
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, answerFrom(routes));
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

const json = (status: number, content: object): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  text: `${JSON.stringify(content)}\n`,
});

function answerFrom(routes: Readonly<Record<string, () => Promise<Answer>>>): RequestListener {
  return (request, response) => {
    request.resume();
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (!route || request.method !== 'GET') {
      response.writeHead(route ? 405 : 404, { 'content-length': 0 }).end();
      return;
    }
    void route()
      .catch(() => json(500, { status: 'failed' }))
      .then(({ status, type, text }) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
      });
  };
}

/** 200, or 503 with what failed. */
async function readiness(checks: Checks): Promise<Answer> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, (await check().catch(() => false)) ? 'ok' : 'failed']),
  );
  const isReady = results.every(([, result]) => result === 'ok');
  return json(isReady ? 200 : 503, {
    status: isReady ? 'ready' : 'not_ready',
    checks: Object.fromEntries(results) as object,
  });
}

/** Why nothing can listen at an address, in words. */
export function addressError(host: string, port: number, cause: unknown): LedgerError {
  const { code = 'error' } = cause as NodeJS.ErrnoException;
  return new LedgerError('address_unavailable', `Nothing can listen on ${host}, port ${port} (${code}).`, {
    fields: { reason: code },
    hint: 'Another process may listen there (EADDRINUSE), or the address is not one of this machine.',
    cause,
  });
}
