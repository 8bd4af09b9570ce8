import type http from 'node:http';
import { expect, test } from 'vitest';
import { clientFor, failureOf, json, serve, transaction, transactionId, until } from './support.ts';

test('connections are kept alive and shared', async () => {
  const server = await serve(json(transaction()));
  const client = clientFor(server.base, { connections: 4 });
  await Promise.all(Array.from({ length: 60 }, () => client.getTransaction(transactionId)));
  for (let call = 0; call < 20; call += 1) await client.getTransaction(transactionId);
  expect(server.requests).toHaveLength(80);
  expect(server.accepted()).toBe(4);
});

test('connections are at most 64', async () => {
  const held: http.ServerResponse[] = [];
  const server = await serve((_, response) => void held.push(response));
  const client = clientFor(server.base);
  const calls = Array.from({ length: 70 }, () => client.getTransaction(transactionId));
  await until(() => held.length === 64);
  for (let answered = 0; answered < 70; answered += 1) {
    await until(() => held.length > 0);
    held.shift()?.end(JSON.stringify(transaction()));
  }
  await Promise.all(calls);
  expect(server.accepted()).toBe(64);
});

test('close() ends idle ones, calls under way and calls that wait; later calls are refused', async () => {
  const server = await serve((request, response) => {
    if (request.url?.includes('transactions')) json(transaction())(request, response);
    else response.writeHead(200).write('some');
  });
  const gate = { isShut: false, asked: 0 };
  const beforeRequest = (): Promise<() => void> => {
    gate.asked += 1;
    return gate.isShut ? new Promise(() => undefined) : Promise.resolve(() => undefined);
  };
  const client = clientFor(server.base, { beforeRequest });
  await client.getTransaction(transactionId);
  const isTaken: true[] = [];
  const busy = failureOf(
    client.downloadFile(new URL('f', server.base).href, () => void isTaken.push(true)),
    'interrupted',
  );
  await until(() => isTaken.length > 0);
  gate.isShut = true;
  const waiting = failureOf(client.getTransaction(transactionId), 'interrupted');
  await client.close();
  await Promise.all([busy, waiting]);
  await until(() => server.open() === 0);
  await failureOf(client.getTransaction(transactionId), 'interrupted');
  await client.close();
  expect(gate.asked).toBe(3);
  expect(server.requests).toHaveLength(2);
});

test('a call leaves no timer behind', async () => {
  const server = await serve(json(transaction()));
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  await clientFor(server.base).getTransaction(transactionId);
  expect(timers()).toBeLessThanOrEqual(before);
});

test('what the rate limiter throws comes out as it is, and nothing is asked', async () => {
  const server = await serve(json(transaction()));
  const beforeRequest = (): Promise<() => void> => Promise.reject(new RangeError('no'));
  await expect(clientFor(server.base, { beforeRequest }).getTransaction(transactionId)).rejects.toThrow(RangeError);
  expect(server.accepted()).toBe(0);
});

test('the rate limiter is told once of each request that it let through when it is over, whatever became of it', async () => {
  const statuses = [200, 401, 200, 500, 0];
  const server = await serve((_, response) => {
    const status = statuses.shift();
    if (status === 0) response.destroy();
    else response.writeHead(status ?? 200).end(JSON.stringify(transaction()));
  });
  const gate = { over: [] as number[], asked: 0, open: (): void => undefined };
  const beforeRequest = (): Promise<() => void> => {
    const request = gate.asked++;
    gate.over.push(0);
    const letThrough = () => void (gate.over[request]! += 1);
    return request < 5
      ? Promise.resolve(letThrough)
      : new Promise((resolve) => (gate.open = () => resolve(letThrough)));
  };
  const client = clientFor(server.base, { beforeRequest });
  await client.getTransaction(transactionId);
  await client.getTransaction(transactionId);
  await failureOf(client.getTransaction(transactionId), 'vendor_unavailable');
  await failureOf(client.getTransaction(transactionId), 'vendor_unreachable');
  expect(gate.over).toEqual([1, 1, 1, 1, 1]);
  // One that is let through after the client was closed is not sent.
  const waiting = failureOf(client.getTransaction(transactionId), 'interrupted');
  await client.close();
  await waiting;
  gate.open();
  await until(() => gate.over[5] === 1);
  expect(server.requests).toHaveLength(5);
});
