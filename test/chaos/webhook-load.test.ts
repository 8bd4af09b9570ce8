import autocannon from 'autocannon';
import { sql } from 'kysely';
import { expect, inject, test } from 'vitest';
import { acquireServices } from '../../src/embedded/index.ts';
import { secret, startService } from '../http/support.ts';
import { atEnd, createTestFolder, waitFor } from '../support/books.ts';
import { withSimulator } from '../support/simulator.ts';
import { startTcpProxy } from './tcp-proxy.ts';

const isFull = process.env['CHAOS'] === 'full';
const seconds = isFull ? 60 : 4;
const rate = 200;

/**
 * 200 new events a second, each of another transaction, on 200 connections, with Redis gone all the while: each is answered
 * 204, and all of it is done once Redis is back. `CHAOS=full` lasts a minute and prints what
 * docs/reliability.md says.
 */
test(
  `${rate} events a second for ${seconds} s without Redis: all 204, all done after its return`,
  { timeout: 900_000 },
  async () => {
    const { simulator, vendor } = await withSimulator({ transactions: (seconds + 2) * rate });
    const { IDSCAN_KEY_ID: keyId, IDSCAN_KEY_SECRET: keySecret, ...environment } = vendor;
    // A Redis of its own: the shared one is emptied by others.
    const own = await acquireServices({ dataDir: await createTestFolder(), databaseUrl: inject('appUrl') });
    atEnd(own.release);
    const redis = await startTcpProxy(own.redisUrl);
    atEnd(redis.close);
    await redis.set('refuse');
    const off = { FETCH_DOCUMENTS: 'false', FETCH_AUDIT_REPORTS: 'false' };
    const service = await startService(
      { ...environment, ...off, REDIS_URL: redis.url },
      { workersKey: { keyId, keySecret } },
    );
    const sent: string[] = [];
    const statuses = new Map<number, number>();
    const nextBody = (): string => {
      const { transactionId, resultId } = simulator.transactions[sent.length] ?? {
        transactionId: 'none',
        resultId: null,
      };
      sent.push(transactionId);
      const transaction = { id: transactionId, state: 'completed', resultId };
      return JSON.stringify({ id: `event-${sent.length}`, type: 'transaction.state.updated', transaction });
    };
    const result = await autocannon({
      url: `${service.origin}/webhooks/id-scan`,
      connections: rate,
      overallRate: rate,
      amount: seconds * rate,
      timeout: 30,
      requests: [
        {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-idscan-ledger-secret': secret },
          setupRequest: (request) => ({ ...request, body: nextBody() }),
          onResponse: (status) => void statuses.set(status, (statuses.get(status) ?? 0) + 1),
        },
      ],
    });
    expect([...statuses]).toEqual([[204, seconds * rate]]);
    expect(result).toMatchObject({ errors: 0, timeouts: 0, non2xx: 0 });
    const committed = async (state: string) => {
      const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from transactions t join obligations o on o.transaction_id = t.id
      where o.kind = 'result' and (${state} = 'any' or o.state = ${state})`.execute(service.context.db.kysely);
      return rows[0]?.count ?? 0;
    };
    // The tool may have made a body more than it sent.
    const known = await committed('any');
    expect(known).toBeGreaterThanOrEqual(seconds * rate);
    expect(new Set(sent).size).toBe(sent.length);
    if (isFull) {
      const { p50, p99, max } = result.latency;
      process.stdout.write(`${JSON.stringify({ answered: seconds * rate, p50, p99, max, errors: result.errors })}\n`);
    }
    await redis.set('forward');
    await waitFor('all to be done', async () => (await committed('done')) === known, 800_000);
  },
);
