import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect } from 'vitest';
import sodium from 'sodium-native';
import { asAdmin, atEnd } from './books.ts';
import { type CliEnvironment, createCliEnvironment, startCli } from './cli.ts';
import { readByHand } from './documents-by-hand.ts';
import { filesBelow, type Hay, keysOf, placesOf, tablesOf } from './needles.ts';
import { withSimulator } from './simulator.ts';

const surname = 'Quarrington-Ølsen-Vanderblight';
const pattern = createHash('sha512').update('the face of somebody').digest();
const face = Buffer.concat([
  Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
  pattern,
  Buffer.from(surname),
  Buffer.alloc(100_000, pattern),
  Buffer.from('ffd9', 'hex'),
]);
/** The vendor's name of a document, which the books keep until it is erased. */
const nameOf = (transactionId: string): string => `Permit of ${createHash('sha1').update(transactionId).digest('hex')}`;

/** The simulated vendor, but every image is the same face, and each document has a name of its own. */
async function vendorOfFaces(simulator: { readonly baseUrl: string }): Promise<string> {
  const { origin, host } = new URL(simulator.baseUrl);
  const server = http.createServer((request, response) => {
    void (async () => {
      const { authorization } = request.headers;
      const answer = await fetch(new URL(request.url ?? '/', origin), {
        headers: authorization === undefined ? {} : { authorization },
      });
      const type = answer.headers.get('content-type') ?? '';
      const body = Buffer.from(await answer.arrayBuffer());
      const said = type.includes('json')
        ? Buffer.from(
            body
              .toString()
              .replaceAll(host, request.headers.host ?? '')
              .replaceAll(
                /"name":"Examplia[^,]*"/g,
                () => `"name":"${nameOf(/transactions\/([^/]+)/.exec(request.url ?? '')?.[1] ?? '')}"`,
              )
              .replaceAll(/Canarysson-[^"]*/g, surname),
          )
        : type.startsWith('image/')
          ? face
          : body;
      response.writeHead(answer.status, { 'content-type': type.startsWith('image/') ? 'image/jpeg' : type });
      response.end(said);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return simulator.baseUrl.replace(origin, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** What a store elsewhere has, every version and whatever is half written. `isObject` = it is a document. */
type Stored = Hay & { readonly isObject: boolean };

/**
 * A face and a name go in. They are nowhere in the clear, and after erasure nothing of them is anywhere.
 *
 * @param stored reads a store that is not below the data folder.
 */
export async function canary(extra: CliEnvironment, stored?: () => Promise<readonly Stored[]>): Promise<void> {
  const { simulator, vendor } = await withSimulator({
    transactions: 8,
    abandonedShare: 0,
    nullUrlShare: 0,
    auditReportMissingShare: 0,
  });
  const environment: Record<string, string> = await createCliEnvironment({
    ...vendor,
    IDSCAN_BASE_URL: await vendorOfFaces(simulator),
    LOG_LEVEL: 'trace',
    ...extra,
  });
  const { DATABASE_URL = '', REDIS_URL = '', IDSCAN_DATA_DIR = '', REPORTS_DIR = '', folder = '' } = environment;
  const logs: Hay[] = [];
  const run = async (args: string[], stdin?: string) => {
    const result = await startCli(args, environment, stdin).result;
    const where = args.join(' ');
    logs.push({ where: `output of ${where}`, bytes: Buffer.from(result.stdout + result.stderr) });
    expect(result.code, `${where}: ${result.stderr.slice(-2_000)}`).toBe(0);
    return result.stdout;
  };
  const client = new pg.Client({ connectionString: asAdmin(DATABASE_URL) });
  await client.connect();
  atEnd(() => client.end());
  const redis = new Redis(REDIS_URL);
  atEnd(async () => await redis.quit());
  const everything = async () => ({
    tables: await tablesOf(client),
    redis: await keysOf(redis),
    stored: [...(await documentsBelow(IDSCAN_DATA_DIR)), ...((await stored?.()) ?? [])],
    reports: await filesBelow(REPORTS_DIR),
    logs,
  });
  const search = async () => {
    const hays = Object.values(await everything()).flat();
    return (needle: Buffer | string) => placesOf(Buffer.from(needle as string), hays);
  };

  const keyFile = path.join(stored ? folder : path.join(IDSCAN_DATA_DIR, 'keys'), 'documents.key');
  if (stored) {
    await run(['documents', 'key', '--out', keyFile]);
    environment['DOCUMENTS_SECRET_KEY_FILE'] = keyFile;
  }
  await run(['enqueue', '-'], simulator.idsCsv());
  await run(['worker', '--until-idle']);
  await run(['report', '2026-10']);
  const ids = simulator.transactions.map(({ transactionId }) => transactionId);
  const [kept = '', ...erased] = ids;
  expect(
    (await client.query(`select distinct kind, state, error_code from files where state <> 'stored'`)).rows,
  ).toEqual([]);
  // What is looked for is there once it is decrypted, and the search finds what is in a table, a file and Redis.
  const out = path.join(folder, 'out');
  await run(['documents', 'get', kept, '--out', out, '--reason', 'a test']);
  expect(placesOf(Buffer.from(surname), await filesBelow(out)).length).toBeGreaterThan(0);
  expect(placesOf(pattern, await filesBelow(out)).length).toBeGreaterThan(0);
  for (const hays of Object.values(await everything())) expect(placesOf(Buffer.from(kept), hays)).not.toEqual([]);
  const found = await search();
  expect({ surname: found(surname), pattern: found(pattern) }).toEqual({ surname: [], pattern: [] });
  const named = ids.map((id) => found(nameOf(id)));
  expect(named.flat().filter((where) => where !== 'public.files')).toEqual([]);
  expect(named.flat().length).toBeGreaterThan(0);

  // A thief's copy of the database from before, with the secret key.
  const { rows: oldKeys } = await client.query<{ transaction_id: string; sealed: Buffer }>(
    'select transaction_id, sealed from document_keys',
  );
  const { rows: oldHashes } = await client.query<{ sha256: string; transaction_id: string }>(
    'select sha256, transaction_id from files where sha256 is not null',
  );
  const secretKey = Buffer.from(await readFile(keyFile, 'utf8'), 'base64');

  await run(['erase', '--file', '-', '--reason', 'wish', '--now'], `transaction_id\n${erased.join('\n')}\n`);
  await run(['worker', '--until-idle']);
  await run(['report', '2026-10']);
  const left = await search();
  expect({ surname: left(surname), pattern: left(pattern) }).toEqual({ surname: [], pattern: [] });
  for (const id of erased) expect(left(nameOf(id)), id).toEqual([]);
  const { tables, redis: jobs, stored: data } = await everything();
  for (const { sha256, transaction_id: id } of oldHashes)
    if (id !== kept) expect(placesOf(Buffer.from(sha256), [...tables, ...jobs, ...data]), id).toEqual([]);
  const objects = data.filter(({ isObject }) => isObject);
  expect(objects.length).toBeGreaterThan(0);
  const opened = { kept: 0, erased: 0 };
  for (const { where, bytes } of objects)
    for (const { transaction_id: id, sealed } of oldKeys) {
      const [key, publicKey] = [Buffer.alloc(32), Buffer.alloc(32)];
      sodium.crypto_scalarmult_base(publicKey, secretKey);
      expect(sodium.crypto_box_seal_open(key, sealed, publicKey, secretKey)).toBe(true);
      if (isReadable(bytes.subarray(Buffer.byteLength(where)), key)) opened[id === kept ? 'kept' : 'erased'] += 1;
    }
  expect(opened).toEqual({ kept: objects.length, erased: 0 });
}

/** The data folder, where the store is. The secret key is in it, and tells nothing. */
async function documentsBelow(dataDir: string): Promise<Stored[]> {
  // Where the store is elsewhere, nothing may ever have been put there.
  await mkdir(dataDir, { recursive: true });
  const files = await filesBelow(dataDir, (name) => !name.startsWith('keys/'));
  return files.map((file) => ({
    ...file,
    isObject: file.where.includes('/documents/') && !file.where.endsWith('.json'),
  }));
}

function isReadable(bytes: Buffer, key: Buffer): boolean {
  try {
    readByHand(bytes, key);
    return true;
  } catch {
    return false;
  }
}
