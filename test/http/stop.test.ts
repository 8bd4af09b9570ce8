import { once } from 'node:events';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { waitFor } from '../support/books.ts';
import { deliver, eventOf, inbox, secret, startService } from './support.ts';

test('a request under way gets its answer while the door is closed, and the end comes soon', async () => {
  const service = await startService();
  const body = JSON.stringify(eventOf('under-way'));
  const headers = {
    'content-type': 'application/json',
    'x-idscan-ledger-secret': secret,
    'content-length': Buffer.byteLength(body),
    // The server says when it has begun to read.
    expect: '100-continue',
  };
  const sent = request({ host: '127.0.0.1', port: service.port, path: '/webhooks/id-scan', method: 'POST', headers });
  sent.flushHeaders();
  await once(sent, 'continue');
  const stopped = service.stop();
  await waitFor('the door to be closed', () =>
    service.ask('/healthz').then(
      () => false,
      () => true,
    ),
  );
  const answered = once(sent, 'response') as Promise<[{ statusCode: number; resume: () => void }]>;
  sent.end(body);
  const [response] = await answered;
  response.resume();
  expect(response.statusCode).toBe(204);
  await stopped;
  expect(await inbox(service)).toMatchObject([{ transaction_id: 'under-way', outcome: 'accepted' }]);
});

test('a request that never ends keeps nobody from ending', { timeout: 60_000 }, async () => {
  const service = await startService();
  expect((await deliver(service, eventOf('first'))).status).toBe(204);
  const headers = {
    'content-type': 'application/json',
    'x-idscan-ledger-secret': secret,
    'content-length': 100,
    expect: '100-continue',
  };
  const sent = request({ host: '127.0.0.1', port: service.port, path: '/webhooks/id-scan', method: 'POST', headers });
  sent.on('error', () => undefined).flushHeaders();
  await once(sent, 'continue');
  const startedMs = performance.now();
  await service.stop();
  expect(performance.now() - startedMs).toBeLessThan(20_000);
});
