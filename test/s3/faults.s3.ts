import { randomBytes } from 'node:crypto';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
import { errorCode, type LedgerError } from '../../src/errors.ts';
import { usualLimits } from '../../src/store/s3/connection.ts';
import { s3Store } from '../../src/store/s3-store.ts';
import { startTcpProxy } from '../chaos/tcp-proxy.ts';
import { atEnd } from '../support/at-end.ts';
import { startHttpProxy } from './http-proxy.ts';
import { causeOf, credentialsInEnvironment, ownAddress, ownStore, putText, refusal, shortLimits } from './support.ts';

credentialsInEnvironment();

/** The largest file of the vendor. */
const largest = randomBytes(25 * 1_024 ** 2);

test('a file of 25 MB is stored and examined; others wait meanwhile for as long as is shown', async () => {
  const store = ownStore();
  await store.marker();
  const shown: string[] = [];
  const measured = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const delays = monitorEventLoopDelay({ resolution: 5 });
    const startedMs = performance.now();
    delays.enable();
    const result = await work();
    delays.disable();
    const tookMs = Math.round(performance.now() - startedMs);
    shown.push(`${what}: ${tookMs} ms, the event loop was late by at most ${Math.round(delays.max / 1e6)} ms`);
    return result;
  };
  const inOnePiece = await measured('put in one piece', () => store.put('one', (sink) => sink(largest)));
  await measured('put in pieces of 64 KiB', () =>
    store.put('pieces', async (sink) => {
      for (let at = 0; at < largest.length; at += 65_536) await sink(largest.subarray(at, at + 65_536));
    }),
  );
  expect(await measured('examine', () => store.examine(inOnePiece))).toBe('stored');
  expect(await store.examine({ ...inOnePiece, name: 'pieces' })).toBe('stored');
  process.stderr.write(`${shown.map((line) => `s3: 25 MB, ${line}`).join('\n')}\n`);
});

test('more than any file of the vendor is refused before anything is sent', async () => {
  const store = ownStore();
  const tooLarge = store.put('bomb', async (sink) => {
    for (;;) await sink(largest);
  });
  expect((await refusal(tooLarge)).message).toContain('bytes');
});

test('a store that goes away in the middle of an upload has nothing of it; back after 10 s, it is stored', async () => {
  let onBody = (): void => undefined;
  const http = await startHttpProxy({ onBody: () => onBody() });
  const tcp = await startTcpProxy(http.endpoint);
  atEnd(tcp.close);
  const address = ownAddress('plain', tcp.url.replace(/\/$/, ''));
  const store = s3Store(address, { ...shortLimits, silentMs: 20_000, transferMs: 60_000 });
  let back: Promise<unknown> | undefined;
  onBody = () => {
    onBody = () => undefined;
    void tcp.set('refuse');
    back = delay(10_000).then(() => tcp.set('forward'));
  };
  const put = () => store.put('passport', (sink) => sink(largest));
  await refusal(put(), 'storage_away');
  const direct = s3Store({ ...address, endpoint: inject('s3Endpoint') });
  for await (const entry of direct.list('', { everyVersion: true })) expect(entry).toBeUndefined();
  const causes = new Set<unknown>();
  let stored;
  // As the queue does it.
  while (stored === undefined)
    stored = await put().catch(async (error: unknown) => {
      expect(errorCode(error)).toBe('storage_away');
      causes.add(causeOf(error as LedgerError));
      await delay(500);
      return undefined;
    });
  await back;
  expect(causes).toContain('ECONNREFUSED');
  expect(await direct.examine(stored)).toBe('stored');
});

test('an upload whose answer is lost may be stored whole, and its name is taken', async () => {
  let isLost = true;
  const proxy = await startHttpProxy({
    change: ({ method }, body) => (method === 'PUT' && isLost ? undefined : body),
  });
  const store = s3Store(ownAddress('plain', proxy.endpoint), shortLimits);
  await refusal(putText(store, 'passport', 'first'), 'storage_away');
  isLost = false;
  await refusal(putText(store, 'passport', 'second'), 'storage_conflict');
  expect((await buffer(await store.get('passport'))).toString()).toBe('first');
  await store.remove('passport');
  await putText(store, 'passport', 'second');
});

test('a store that swallows everything is given up in time', async () => {
  const tcp = await startTcpProxy(inject('s3Endpoint'));
  atEnd(tcp.close);
  await tcp.set('black-hole');
  const store = s3Store(ownAddress('plain', tcp.url.replace(/\/$/, '')), shortLimits);
  for (const use of [() => putText(store, 'passport'), store.marker, store.probe])
    expect(causeOf(await refusal(use(), 'storage_away'))).toBe('TimeoutError');
});

test('a store whose name nobody knows, and a port where nobody listens, are away', async () => {
  const [nowhere, nobody] = ['https://no-such-host.invalid', 'http://127.0.0.1:9'];
  for (const endpoint of [nowhere, nobody]) {
    const { hint, message } = await refusal(s3Store(ownAddress('plain', endpoint)).marker(), 'storage_away');
    expect(message).toContain(endpoint);
    expect(hint).toContain('endpoint');
  }
});

test('a store without TLS where TLS is asked for is told apart from one that is down', async () => {
  const endpoint = inject('s3Endpoint').replace('http:', 'https:');
  await refusal(s3Store(ownAddress('plain', endpoint)).marker(), 'storage_away');
});

test('a store that answers a byte at a time is given up in time: headers, and bodies', async () => {
  const trickle = net.createServer((socket) => {
    socket.on('error', () => undefined).resume();
    socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
    const timer = setInterval(() => socket.write('a'), 100);
    socket.once('close', () => clearInterval(timer));
  });
  const slow = http.createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-length': 1_000, etag: '"0"' });
    const timer = setInterval(() => response.write('a'), 100);
    response.once('close', () => clearInterval(timer));
  });
  for (const server of [trickle, slow]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const store = s3Store(ownAddress('plain', endpoint), shortLimits);
    const examined = store.examine({ name: 'passport', sha256: 'a'.repeat(64), bytes: '1000' });
    expect(causeOf(await refusal(examined, 'storage_away'))).toBe('TimeoutError');
    expect(causeOf(await refusal(store.marker(), 'storage_away'))).toBe('TimeoutError');
    server.close();
  }
});

test('a reader who is slow himself may be: only what the store takes counts', async () => {
  const address = ownAddress();
  const content = largest.subarray(0, 12 * 1_024 ** 2);
  await s3Store(address).put('passport', (sink) => sink(content));
  const transferMs = 8_000;
  let bytes = 0;
  for await (const chunk of await s3Store(address, { ...usualLimits, transferMs }).get('passport')) {
    if (bytes === 0) await delay(transferMs + 500);
    bytes += chunk.length;
  }
  expect(bytes).toBe(content.length);
});

test('a body that comes back changed is damaged, one that breaks off a failure of the store', async () => {
  let isCut = false;
  const proxy = await startHttpProxy({
    change: ({ method }, body) => {
      if (method !== 'GET') return body;
      if (isCut) return body.subarray(0, -1);
      body[0]! ^= 1;
      return body;
    },
  });
  const changed = s3Store(ownAddress('plain', proxy.endpoint), shortLimits);
  const stored = await putText(changed, 'passport');
  expect(await changed.examine(stored)).toBe('damaged');
  expect((await refusal(changed.probe())).message).toContain('reads back as something else');
  isCut = true;
  await refusal(changed.examine(stored), 'storage_away');
});

test('a body that is changed on its way to the store is refused by the store', async () => {
  const proxy = await startHttpProxy({ alter: (body) => body.fill('x', 0, 1) });
  const address = ownAddress('plain', proxy.endpoint);
  const { hint } = await refusal(putText(s3Store(address), 'passport'));
  expect(hint).toContain('proxy');
  expect(
    await s3Store({ ...address, endpoint: inject('s3Endpoint') }).examine({ name: 'passport', sha256: '', bytes: '0' }),
  ).toBe('lost');
});
