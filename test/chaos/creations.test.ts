import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { startSimulator } from '../../src/simulator/index.ts';
import { asOwner, atEnd, waitFor } from '../support/books.ts';
import { createCliEnvironment, listeningPort, runCli, startCli } from '../support/cli.ts';
import { bearer, tokens, tokenSetting } from '../http/support.ts';

const { creations, kills } =
  process.env['CHAOS'] === 'full' ? { creations: 3_000, kills: 200 } : { creations: 90, kills: 6 };
vi.setConfig({ testTimeout: kills * 30_000 });

test(`whatever dies, and though answers are lost, no transaction of the vendor’s is unknown: ${creations} creations, ${kills} kills`, async () => {
  const simulator = await startSimulator({ seed: 'creations', month: '2026-10', transactions: creations * 3 });
  atEnd(simulator.close);
  simulator.setFaults({ share: 0.05, kinds: ['reset', 'cut_length', 'bad_gateway', 'redirect'], routes: ['create'] });
  const environment = await createCliEnvironment({
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
    HTTP_TOKENS: tokenSetting,
    HTTP_PORT: '0',
    LOG_LEVEL: 'info',
  });
  let asked = 0;
  const statuses = new Map<number, number>();
  for (let life = 0; life <= kills; life += 1) {
    const service = startCli(['serve'], environment);
    const port = await listeningPort(service);
    const until = Math.ceil((creations * (life + 1)) / (kills + 1));
    const ask = async (): Promise<void> => {
      const key = `key-${asked}`;
      asked += 1;
      const answer = await fetch(`http://127.0.0.1:${port}/api/transactions`, {
        method: 'POST',
        body: JSON.stringify({ tasks: ['document_scan'], reference: key }),
        headers: { 'content-type': 'application/json', 'idempotency-key': key, ...bearer(tokens.intake) },
      }).catch(() => undefined);
      const status = answer?.status ?? 0;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    };
    while (asked < until) {
      const together = Promise.all(Array.from({ length: Math.min(5, until - asked) }, ask));
      // In the middle of the last round.
      if (asked >= until && life < kills) {
        await waitFor('a question', () => simulator.created().length > 0);
        service.kill('SIGKILL');
      }
      await together;
    }
    if (life === kills) service.kill('SIGTERM');
    await service.result;
  }
  const client = new pg.Client({ connectionString: asOwner(environment['DATABASE_URL']) });
  await client.connect();
  atEnd(() => client.end());
  // A question that a killed process had asked counts as unanswered after two minutes.
  await client.query(`update creations set asked_at = asked_at - interval '3 minutes' where answered_at is null`);
  const { rows } = await client.query<{ id: string }>('select id from transactions');
  const known = new Set(rows.map(({ id }) => id));
  const status = JSON.parse((await runCli(['status', '--json'], environment)).stdout) as {
    possiblyCreated: { reference: string }[];
  };
  const unknown = simulator.created().filter((id) => !known.has(id));
  expect(known.size).toBeGreaterThan(creations / 2);
  expect([...known].filter((id) => !simulator.created().includes(id))).toEqual([]);
  // Each is behind one of those listed; some of these were never created.
  expect(status.possiblyCreated.length).toBeGreaterThanOrEqual(unknown.length);
  const listed = new Set(status.possiblyCreated.map(({ reference }) => reference));
  expect(listed.size).toBe(status.possiblyCreated.length);
  const { rows: created } = await client.query<{ count: number }>(
    `select count(*)::int as count from creations where transaction_id is null and not is_refused`,
  );
  expect(created[0]?.count).toBe(listed.size);
  expect(simulator.created().length).toBeLessThanOrEqual(known.size + listed.size);
});
