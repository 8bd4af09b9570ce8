import { open, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { inject, expect, test } from 'vitest';
import { s3Connection } from '../../src/store/s3/connection.ts';
import { openFile, sendFile } from '../../src/store/s3/files.ts';
import { s3Reports } from '../../src/store/s3-reports.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { bookkeeper } from '../support/closing.ts';
import { createTestFolder, waitFor } from '../support/books.ts';
import { runCli, startCli } from '../support/cli.ts';
import { scan, scanTask } from '../support/facts.ts';
import { booksInS3, keysIn, month, readMonth, writeMonth } from './report-books.ts';
import { startHttpProxy } from './http-proxy.ts';
import { addressAt, bareClient, credentialsInEnvironment, ownAddress, refusal, shortLimits } from './support.ts';

credentialsInEnvironment();

const another = (id: string) => ({ tasks: [scanTask([scan('2026-10-07T10:00:00Z', null)])], resultId: id });

test('a run that is killed between files and manifest leaves the old report whole, and the next one goes on', async () => {
  const { context, reports, address, url, environment } = await booksInS3();
  await writeMonth(context);
  const before = await readMonth(reports);
  await bookkeeper(context, 1)('d-later', another('r'));
  let reached = false;
  const proxy = await startHttpProxy({
    // The manifest that counts: no answer ever comes, and nothing is written.
    answer: ({ method, url: asked }) => {
      if (method !== 'PUT' || !asked.split('?')[0]!.endsWith(`/${month}/manifest.json`)) return false;
      reached = true;
      return true;
    },
  });
  const held = { ...environment, REPORTS_URL: url.replace(inject('s3Endpoint'), proxy.endpoint) };
  const child = startCli(['report', month], held);
  await waitFor('the manifest', () => reached || undefined, 60_000);
  child.kill('SIGKILL');
  await child.result;
  expect((await keysIn(address)).filter((key) => key.endsWith('_detail.csv'))).toHaveLength(2);
  expect(await readMonth(reports)).toEqual(before);
  expect((await verifyFolder(reports.folder(month))).problems).toEqual([]);
  const { code, stderr } = await runCli(['report', month], environment);
  expect(code, stderr).toBe(0);
  const after = await readMonth(reports);
  expect(after.get(`idscan-cost_${month}_provisional_detail.csv`)).toContain('d-later');
  expect((await verifyFolder(reports.folder(month))).problems).toEqual([]);
});

test('two who write at once, while somebody reads: every report that is seen is whole', async () => {
  const { context, reports, address } = await booksInS3();
  const look = bookkeeper(context, 1);
  await writeMonth(context);
  // Another machine: it shares nothing but the servers.
  const other = { ...context, reports: s3Reports(address, { drafts: path.join(await createTestFolder(), 'drafts') }) };
  const state = { isDone: false };
  const seen = new Set<string>();
  const reader = (async () => {
    while (!state.isDone) seen.add((await readMonth(reports)).get('manifest.json') ?? '');
  })();
  const codes = new Set<unknown>();
  for (let round = 0; round < 8; round += 1) {
    await look(`d-${round}`, another(`r-${round}`));
    const results = await Promise.allSettled([writeMonth(context), writeMonth(other)]);
    for (const one of results)
      codes.add(one.status === 'fulfilled' ? 'written' : (one.reason as { code?: unknown }).code);
  }
  state.isDone = true;
  await reader;
  expect([...codes].filter((code) => code !== 'written' && code !== 'report_busy')).toEqual([]);
  expect(codes).toContain('written');
  expect(seen.size).toBeGreaterThan(1);
  expect((await verifyFolder(reports.folder(month))).problems).toEqual([]);
});

test('an upload that is cut or changed on its way publishes nothing', async () => {
  const { context, reports, url } = await booksInS3();
  await writeMonth(context);
  const before = await readMonth(reports);
  await bookkeeper(context, 1)('d-later', another('r'));
  const proxy = await startHttpProxy({
    alter: (piece) => {
      const changed = Buffer.from(piece);
      changed[0] = (changed[0] ?? 0) ^ 1;
      return changed;
    },
  });
  const address = addressAt(url.replace(inject('s3Endpoint'), proxy.endpoint));
  const through = {
    ...context,
    reports: s3Reports(address, { drafts: path.join(await createTestFolder(), 'drafts') }),
  };
  await refusal(writeMonth(through));
  expect(await readMonth(reports)).toEqual(before);
});

/** More than what the sockets in between hold. */
const largeBytes = 48 * 1_024 ** 2;

async function largeFile() {
  const folder = await createTestFolder();
  const temporaryPath = path.join(folder, 'large');
  const content = randomBytes(largeBytes);
  await writeFile(temporaryPath, content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { name: 'large', temporaryPath, sha256, bytes: largeBytes, rows: 0 };
}

test('a large file is sent from the disk, and a reader who pauses for longer than the store waits gets all of it', async () => {
  const address = ownAddress();
  const connection = s3Connection(address, shortLimits);
  const file = await largeFile();
  const key = `${address.prefix}large`;
  await sendFile(s3Connection(address, { ...shortLimits, transferMs: 60_000, silentMs: 20_000 }), key, file);
  const opened = await openFile(connection, key);
  const hash = createHash('sha256');
  let pauses = 2;
  for await (const chunk of opened.chunks()) {
    hash.update(chunk);
    if (pauses > 0) {
      pauses -= 1;
      await delay(shortLimits.silentMs * 2);
    }
  }
  expect(hash.digest('hex')).toBe(file.sha256);
});

test('a file that changes between its readings is refused in the middle of it', async () => {
  const address = ownAddress();
  const connection = s3Connection(address, shortLimits);
  const key = `${address.prefix}changing`;
  const put = (text: string) => bareClient().putObject({ Bucket: address.bucket, Key: key, Body: text });
  await put('first');
  const opened = await openFile(connection, key);
  await put('other');
  await refusal(
    (async () => {
      for await (const chunk of opened.chunks()) expect(chunk).toBeUndefined();
    })(),
    'report_changed',
  );
});

test('what is read of this machine’s file while it is sent has to be what was hashed', async () => {
  const address = ownAddress();
  const file = await largeFile();
  const handle = await open(file.temporaryPath, 'r+');
  await handle.write(Buffer.from('changed'), 0, 7, 1_000);
  await handle.close();
  await refusal(
    sendFile(s3Connection(address, { ...shortLimits, transferMs: 60_000 }), `${address.prefix}wrong`, file),
  );
  expect(await keysIn(address)).toEqual([]);
});
