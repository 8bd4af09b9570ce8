import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { beforeAll, expect, test } from 'vitest';
import { createVendorClient } from '../../src/id-scan/client.ts';
import { atEnd, createTestFolder } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';

const program = path.join(import.meta.dirname, '../../docs/recover.py');
/** More than one chunk each. */
const fileBytes = 150_000;
const world = { transactions: 50, abandonedShare: 0, filesPerResult: 1, nullUrlShare: 0, auditReportMissingShare: 0 };

/** What an operator has: the dump of two tables as the program's head says, a copy of the store, and the master. */
type Kept = { files: string; keys: string; store: string; master: string };
let kept: Kept;
/** What the vendor sends, by the names that the program gives. */
let sent: Map<string, Buffer>;

async function dumped(databaseUrl: string, folder: string): Promise<string[]> {
  const statements = [...(await readFile(program, 'utf8')).matchAll(/\\\\copy (\(.*\)) to '(\w+\.csv)' csv header$/gm)];
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const names = [];
  for (const [, query = '', name = ''] of statements) {
    const rows = await text(client.query(copyTo(`copy ${query} to stdout csv header`)));
    await writeFile(path.join(folder, name), rows);
    names.push(path.join(folder, name));
  }
  await client.end();
  return names;
}

async function contentsAt({ simulator }: Awaited<ReturnType<typeof withSimulator>>): Promise<Map<string, Buffer>> {
  const vendor = createVendorClient({
    baseUrl: new URL(simulator.baseUrl),
    tokenTtlSeconds: 60,
    auditReportPath: 'transactions/{transactionId}/results/{resultId}/audit-report',
    keyId: simulator.keyId,
    keySecret: simulator.secret,
    now: () => new Date(),
  });
  atEnd(() => vendor.close());
  const contents = new Map<string, Buffer>();
  const keep = async (name: string, download: (sink: (chunk: Uint8Array) => Promise<void>) => Promise<unknown>) => {
    const chunks: Uint8Array[] = [];
    await download((chunk) => Promise.resolve(void chunks.push(Buffer.from(chunk))));
    contents.set(name, Buffer.concat(chunks));
  };
  for (const { transactionId, resultId } of simulator.transactions) {
    if (resultId === null) continue;
    const { tasks } = await vendor.getResult(transactionId, resultId);
    const links = tasks.flatMap(({ files }) => files);
    for (const [position, { url }] of links.entries())
      await keep(`${transactionId}.document.result.${position}`, (sink) => vendor.downloadFile(url ?? '', sink));
    await keep(`${transactionId}.audit_report.result.0`, (sink) =>
      vendor.downloadAuditReport(transactionId, resultId, sink),
    );
  }
  return contents;
}

beforeAll(async () => {
  const simulated = await withSimulator({ ...world, fileBytes });
  const environment = await createCliEnvironment({ ...simulated.vendor, LOG_LEVEL: 'warn' });
  await runCli(['enqueue', '-'], environment, simulated.simulator.idsCsv());
  const { code, stderr } = await runCli(['worker', '--until-idle'], environment);
  expect(code, stderr).toBe(0);
  sent = await contentsAt(simulated);
  const folder = await createTestFolder();
  const [files = '', keys = ''] = await dumped(environment['DATABASE_URL'] ?? '', folder);
  const data = environment['IDSCAN_DATA_DIR'] ?? '';
  kept = { files, keys, store: path.join(folder, 'store'), master: path.join(folder, 'master') };
  await cp(path.join(data, 'documents'), kept.store, { recursive: true });
  await cp(path.join(data, 'keys', 'documents.key'), kept.master);
}, 240_000);

async function recover(changed: Partial<Kept> = {}) {
  const out = path.join(await createTestFolder(), 'out');
  await mkdir(out);
  const { files, keys, store, master } = { ...kept, ...changed };
  // Debian's, whatever else is called python3 here.
  const { status, stdout, stderr } = spawnSync('/usr/bin/python3', [program, files, keys, store, master, out], {
    encoding: 'utf8',
  });
  const got = new Map<string, Buffer>();
  for (const name of await readdir(out)) got.set(name, await readFile(path.join(out, name)));
  return { status, lines: stdout.trim().split('\n'), stderr, got };
}

const textOf = (contents: ReadonlyMap<string, Buffer>) =>
  [...contents].map(([name, bytes]) => `${name} ${bytes.toString('base64')}`).sort();

test('every document is recovered bit by bit, with nothing of the program', async () => {
  const { status, lines, stderr, got } = await recover();
  expect(stderr).toBe('');
  expect({ status, lines }).toEqual({ status: 0, lines: ['recovered: 100 of 100'] });
  expect(got.size).toBe(100);
  expect(textOf(got)).toEqual(textOf(sent));
  expect(Math.max(...[...got.values()].map(({ length }) => length))).toBeGreaterThan(2 * 65_536);
});

test('what cannot be recovered is said, and the rest is', async () => {
  const store = path.join(await createTestFolder(), 'store');
  await cp(kept.store, store, { recursive: true });
  const rows: Record<string, string>[] = parse(await readFile(kept.files), { columns: true });
  const [lost, cut, changed, exchanged] = rows.map((row) => ({
    name: [row['transaction_id'], row['kind'], row['origin'], row['position']].join('.'),
    file: path.join(store, row['object_name'] ?? ''),
  }));
  await rm(lost!.file);
  await truncate(cut!.file, 300);
  const bytes = await readFile(changed!.file);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(changed!.file, bytes);
  await cp(path.join(store, rows[4]?.['object_name'] ?? ''), exchanged!.file);
  const { status, lines, got } = await recover({ store });
  expect(status).toBe(1);
  expect(lines.at(-1)).toBe('recovered: 96 of 100');
  const named = lines.slice(0, -1).map((line) => /^not recovered: (\S+) /.exec(line)?.[1]);
  const bad = [lost, cut, changed, exchanged].map((one) => one!.name);
  expect(named.sort()).toEqual([...bad].sort());
  expect(textOf(got)).toEqual(textOf(new Map([...sent].filter(([name]) => !bad.includes(name)))));
});

test('documents that were cut or put together anew are refused also where the table says so', async () => {
  const folder = await createTestFolder();
  const store = path.join(folder, 'store');
  await cp(kept.store, store, { recursive: true });
  const rows: Record<string, string>[] = parse(await readFile(kept.files), { columns: true });
  const largest = rows.filter(({ kind }) => kind === 'document').slice(0, 3);
  const [first, second, third] = await Promise.all(
    largest.map((row) => readFile(path.join(store, row['object_name'] ?? ''))),
  );
  const forged = [first!.subarray(0, first!.length - 70_000), Buffer.concat([second!, second!.subarray(-17)]), first!];
  expect(third!.equals(first!)).toBe(false);
  let table = await readFile(kept.files, 'utf8');
  for (const [index, row] of largest.entries()) {
    await writeFile(path.join(store, row['object_name'] ?? ''), forged[index]!);
    table = table.replace(row['sha256'] ?? '', createHash('sha256').update(forged[index]!).digest('hex'));
  }
  const files = path.join(folder, 'files.csv');
  await writeFile(files, table);
  const { status, lines } = await recover({ store, files });
  expect(status).toBe(1);
  expect(lines.at(-1)).toBe('recovered: 97 of 100');
});

test('without the master nothing is', async () => {
  const master = path.join(await createTestFolder(), 'master');
  await writeFile(master, `${Buffer.alloc(32, 7).toString('base64')}\n`);
  const { status, lines, got } = await recover({ master });
  expect(status).toBe(1);
  expect(lines.at(-1)).toBe('recovered: 0 of 100');
  expect(got.size).toBe(0);
});
