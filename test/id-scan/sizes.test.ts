import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { hasDuplicateKey } from '../../src/json.ts';
import { clientFor, endless, failureOf, serveRaw, transaction, transactionId } from './support.ts';

const mebibyte = 1_024 * 1_024;

test('a million tiny chunks weigh what they hold', async () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
  const body = JSON.stringify(transaction());
  const tiny = Buffer.from(head + '1\r\n \r\n'.repeat(1_000_000));
  const rest = Buffer.from(`${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`);
  const server = await serveRaw((socket) => socket.on('data', () => socket.end(Buffer.concat([tiny, rest]))));
  await expect(clientFor(server.base).getTransaction(transactionId)).resolves.toBeDefined();
});

test('of 256 MiB next to nothing is held at once', async () => {
  const server = await endless();
  let peakBytes = 0;
  const before = process.memoryUsage().rss;
  const limits = { fileBytes: 256 * mebibyte };
  const failing = clientFor(server.base, { limits }).downloadFile(new URL('f', server.base).href, () => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss() - before);
  });
  await failureOf(failing, 'vendor_answer_too_large');
  expect(peakBytes).toBeLessThan(96 * mebibyte);
});

test('the server is read no faster than the sink takes', async () => {
  const server = await endless();
  const limits = { fileBytes: 64 * mebibyte };
  let taken = 0;
  let aheadBytes = 0;
  const failing = clientFor(server.base, { limits }).downloadFile(new URL('f', server.base).href, async (chunk) => {
    await nextTurn();
    aheadBytes = Math.max(aheadBytes, server.sent.bytes - taken);
    taken += chunk.byteLength;
  });
  await failureOf(failing, 'vendor_answer_too_large');
  expect(taken).toBeGreaterThan(63 * mebibyte);
  expect(aheadBytes).toBeLessThan(24 * mebibyte);
});

describe('duplicate keys', () => {
  const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `"k${index}":1`);
  const size = 2 * 1_024 * 1_024;
  const fill = (unit: string): string =>
    `[${Array(Math.floor(size / (unit.length + 1)))
      .fill(unit)
      .join()}]`;
  test.each([
    ['a long string', `"${'x'.repeat(size)}"`],
    ['backslashes', `"${'\\\\'.repeat(size / 2)}"`],
    ['quotes', `"${'\\"'.repeat(size / 2)}"`],
    ['numbers', fill('1')],
    ['small objects', fill('{"a":1,"b":2}')],
    ['scans', fill(JSON.stringify({ created: '2026-10-01T10:00:00+00:00', code: null, files: [{ url: null }] }))],
    ['depth', `${'{"a":'.repeat(size / 6)}1${'}'.repeat(size / 6)}`],
    ['one object of many keys', `{${many(190_000).join()}}`],
  ])('in 2 MiB of %s', (_, sample) => {
    // What went back and forth in it would not end within the test's time.
    expect(hasDuplicateKey(sample)).toBe(false);
  });
});
