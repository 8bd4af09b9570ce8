import { expect, inject, test, vi } from 'vitest';
import type { CreationRequest } from '../../src/producer/index.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { atEnd } from '../support/books.ts';
import { connect, known, noRedis, openTestProducer } from './support.ts';

const scan: CreationRequest = { tasks: ['document_scan'] };

/** A producer with a simulated vendor, and a connection of its program. */
async function open() {
  const simulator = await startSimulator({ seed: 'library', month: '2026-10', transactions: 5 });
  atEnd(simulator.close);
  const { baseUrl, keyId, secret: keySecret } = simulator;
  const idScan = { baseUrl, keyId, keySecret };
  const { producer, databaseUrl } = await openTestProducer({ idScan });
  return { simulator, producer, databaseUrl, idScan, client: await connect(databaseUrl) };
}

test('a transaction is created, and in the books with its reference from its birth', async () => {
  const { simulator, producer, client } = await open();
  const created = await producer.createTransaction({ ...scan, reference: 'cost-centre-7', locale: 'nl' });
  expect(created).toEqual({
    transactionId: simulator.created()[0],
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/frame\//) as string,
    expires: expect.any(Date) as Date,
    unknownSettings: [],
    isNew: true,
  });
  const { transactionId } = created;
  expect(await known(client)).toEqual([{ id: transactionId, resultId: null, source: 'created' }]);
  const { rows } = await client.query('select transaction_id, reference from public.transaction_references');
  expect(rows).toEqual([{ transaction_id: transactionId, reference: 'cost-centre-7' }]);
});

test('a key gets the same transaction again, and no other request', async () => {
  const { simulator, producer } = await open();
  const key = { idempotencyKey: 'order-1' };
  const first = await producer.createTransaction(scan, key);
  expect(await producer.createTransaction(scan, key)).toEqual({ ...first, isNew: false });
  await expect(producer.createTransaction({ ...scan, reference: 'b' }, key)).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  });
  expect(simulator.created()).toEqual([first.transactionId]);
});

test('a program with a name has keys of its own', async () => {
  const { simulator, producer, databaseUrl, idScan } = await open();
  const key = { idempotencyKey: 'order-1' };
  const { producer: other } = await openTestProducer({ databaseUrl, idScan, caller: 'shop-b' });
  const mine = await producer.createTransaction(scan, key);
  const theirs = await other.createTransaction(scan, key);
  expect([mine.transactionId, theirs.transactionId]).toEqual(simulator.created());
  await expect(openTestProducer({ databaseUrl, caller: 'two words' })).rejects.toMatchObject({
    code: 'config_invalid',
  });
});

test('every mistake is named before the vendor is asked; what it does not document is passed on and named', async () => {
  const { simulator, producer } = await open();
  const wrong = { tasks: ['face_match'], expiresIn: 60, reference: 'Jane Doe' } as unknown as CreationRequest;
  await expect(producer.createTransaction(wrong, { idempotencyKey: 'ä' })).rejects.toMatchObject({
    code: 'request_invalid',
    fields: { mistakes: 4 },
  });
  for (const given of [undefined, null, 'document_scan', [scan], { ...scan, reference: 7 }])
    await expect(producer.createTransaction(given as unknown as CreationRequest)).rejects.toMatchObject({
      code: 'request_invalid',
    });
  expect(simulator.requests.total).toBe(0);
  const settings = { documentScan: { flash: true, level: undefined } };
  const { unknownSettings } = await producer.createTransaction({ ...scan, settings, expiresIn: undefined });
  expect(unknownSettings).toEqual(['settings.documentScan.flash']);
});

test('an answer that never came is said, listed and not asked for again', async () => {
  const { simulator, producer, client } = await open();
  simulator.setFaults({ share: 1, kinds: ['reset'], routes: ['create'] });
  const key = { idempotencyKey: 'order-1' };
  await expect(producer.createTransaction(scan, key)).rejects.toMatchObject({ code: 'creation_unanswered' });
  simulator.setFaults(null);
  await expect(producer.createTransaction(scan, key)).rejects.toMatchObject({ code: 'creation_unanswered' });
  expect(simulator.created()).toHaveLength(1);
  expect(await creations(client)).toEqual([{ asked_by: 'library', is_refused: false, transaction_id: null }]);
});

test('closing waits for an answer that is under way', async () => {
  const { simulator, producer, client } = await open();
  simulator.setFaults({ share: 1, kinds: ['slow'], routes: ['create'], slowMs: 300 });
  const created = producer.createTransaction(scan);
  await asked(simulator);
  await producer.close();
  expect(await creations(client)).toEqual([
    { asked_by: 'library', is_refused: false, transaction_id: (await created).transactionId },
  ]);
});

test('a call that closing breaks off may have created something', async () => {
  const { simulator, producer, client } = await open();
  simulator.setFaults({ share: 1, kinds: ['slow'], routes: ['create'], slowMs: 60_000 });
  const failed = expect(producer.createTransaction(scan)).rejects.toMatchObject({ code: 'creation_unanswered' });
  await asked(simulator);
  await producer.close();
  await failed;
  expect(await creations(client)).toEqual([{ asked_by: 'library', is_refused: false, transaction_id: null }]);
});

test('without a key of the vendor nothing is created; with half a key nothing is opened', async () => {
  const { producer } = await openTestProducer({ redisUrl: noRedis });
  await expect(producer.createTransaction(scan)).rejects.toMatchObject({ code: 'not_configured' });
  const idScan = { keyId: 'k' } as unknown as { keyId: string; keySecret: string };
  await expect(openTestProducer({ redisUrl: inject('redisUrl'), idScan })).rejects.toMatchObject({
    code: 'config_invalid',
  });
});

test('an address that is none of the vendor is found when it is needed, and nothing is intended', async () => {
  const idScan = { baseUrl: 'http://idscan.example', keyId: 'k', keySecret: 's' };
  const { producer, databaseUrl } = await openTestProducer({ idScan });
  await expect(producer.createTransaction(scan)).rejects.toMatchObject({ code: 'config_invalid' });
  expect(await creations(await connect(databaseUrl))).toEqual([]);
});

test('closed, it creates nothing', async () => {
  const { simulator, producer } = await open();
  await producer.close();
  await expect(producer.createTransaction(scan)).rejects.toMatchObject({ code: 'interrupted' });
  expect(simulator.requests.total).toBe(0);
});

type Client = Awaited<ReturnType<typeof connect>>;

async function creations(client: Client): Promise<Record<string, unknown>[]> {
  const { rows } = await client.query<Record<string, unknown>>(
    'select asked_by, is_refused, transaction_id from public.creations',
  );
  return rows;
}

const asked = (simulator: Awaited<ReturnType<typeof open>>['simulator']): Promise<boolean> =>
  vi.waitUntil(() => simulator.created().length === 1, { timeout: 20_000, interval: 10 });
