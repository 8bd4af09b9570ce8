import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { addMasters, changeMasters, mastersInUse } from '../../src/db/document-masters.ts';
import { createMasterPair, masterText } from '../../src/store/encryption/keys.ts';
import { asOwner, atEnd, createEmptyDatabase, createTestContext, openTestDatabase } from '../support/books.ts';
import { type CliEnvironment, createCliEnvironment, runCli } from '../support/cli.ts';
import { bookkeeper, closeOrFail } from '../support/closing.ts';
import { png, storeDocuments } from '../support/documents.ts';
import { scan, scanTask } from '../support/facts.ts';
import { appRole, asRole } from '../support/roles.ts';
import { withSimulator } from '../support/simulator.ts';
import { noEarlierThan } from '../support/instants.ts';

type Finding = { examination: string; state: string; found: string; hint?: string; code?: string };

async function examine(environment: CliEnvironment) {
  const { code, stdout } = await runCli(['doctor', '--json'], environment);
  const { healthy, findings } = JSON.parse(stdout) as { healthy: boolean; findings: Finding[] };
  expect(healthy).toBe(code === 0);
  return { code, findings: new Map(findings.map((finding) => [finding.examination, finding])), stdout };
}

const all = [
  'configuration',
  'rules and prices',
  'browsers',
  'servers',
  'postgres',
  'standby',
  'books',
  'creations',
  'redis',
  'documents',
  'reports',
  'vendor',
];

test('where nothing is wrong doctor says what it found, a line each, and ends with 0', async () => {
  const { vendor } = await withSimulator();
  const environment = await createCliEnvironment(vendor);
  await runCli(['status'], environment);
  const { code, findings } = await examine(environment);
  expect([...findings.values()].filter(({ state }) => state !== 'ok')).toMatchObject([
    { examination: 'browsers', state: 'left_out' },
    { examination: 'standby', state: 'left_out' },
  ]);
  expect([...findings.keys()]).toEqual(all);
  expect(code).toBe(0);
  expect(findings.get('postgres')?.found).toMatch(/^Postgres \d+/);
  expect(findings.get('redis')?.found).toMatch(/^(Redis|Valkey) \d+/);
  expect(findings.get('vendor')?.found).toContain('token accepted');
  const forPeople = await runCli(['doctor'], environment);
  expect(forPeople.code).toBe(0);
  expect(forPeople.stdout.trim().split('\n')).toHaveLength(all.length + 2);
  expect(forPeople.stdout).toMatch(/^ok {6}configuration {5}valid; months in UTC/m);
  expect(forPeople.stdout).toContain('Nothing is wrong.');
});

test('an empty database is nothing that is wrong', async () => {
  const environment = await createCliEnvironment({
    DATABASE_URL: asOwner(await createEmptyDatabase()),
  });
  const { code, findings } = await examine(environment);
  expect(code).toBe(0);
  expect(findings.get('postgres')?.found).toContain('empty: the first command sets it up');
  expect(findings.get('books')).toMatchObject({ state: 'left_out' });
});

test('half a key is a mistake', async () => {
  const { code, findings } = await examine(await createCliEnvironment({ IDSCAN_KEY_ID: 'alone' }));
  expect(code).toBe(1);
  expect(findings.get('configuration')?.found).toContain('IDSCAN_KEY_SECRET');
});

test('with a wrong configuration doctor names all mistakes, and looks at nothing else', async () => {
  const environment = await createCliEnvironment({ BILLING_TIME_ZONE: 'Mars/Olympus', HTTP_PORT: 'x' });
  const { code, findings } = await examine(environment);
  expect(code).toBe(1);
  expect(findings.get('configuration')).toMatchObject({ state: 'failed', code: 'config_invalid' });
  expect(findings.get('configuration')?.found).toMatch(/BILLING_TIME_ZONE[^]*HTTP_PORT/);
  expect(all.slice(1).map((name) => findings.get(name)?.state)).toEqual(all.slice(1).map(() => 'left_out'));
});

test('a .env that cannot be understood is a wrong configuration like any other', async () => {
  const environment = await createCliEnvironment();
  await writeFile(path.join(environment.folder, '.env'), 'LOG_LEVEL="info\n');
  const { code, findings } = await examine(environment);
  expect(code).toBe(1);
  expect(findings.get('configuration')).toMatchObject({ state: 'failed', code: 'config_invalid' });
  expect(findings.get('configuration')?.found).toMatch(/line 1: LOG_LEVEL has a quote/);
  expect(await runCli(['status'], environment)).toMatchObject({ code: 2, stdout: '' });
});

test('one thing that is wrong keeps doctor from looking at nothing else, and no secret is printed', async () => {
  const { vendor } = await withSimulator();
  const given = await createCliEnvironment({ ...vendor, IDSCAN_KEY_SECRET: 'another-secret-that-is-long-enough-here' });
  // It accepts connections, and never says anything.
  const silent = net.createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  atEnd(() => Promise.resolve(silent.close()));
  const { code, findings, stdout } = await examine({
    ...given,
    DATABASE_URL: 'postgres://somebody:open-sesame@127.0.0.1:9/books',
    REDIS_URL: `redis://:open-sesame@127.0.0.1:${(silent.address() as net.AddressInfo).port}/0`,
    REPORTS_DIR: '/proc/reports',
  });
  expect(code).toBe(1);
  expect([...findings].map(([name, { state, code: reason }]) => [name, state, reason])).toEqual([
    ['configuration', 'ok', undefined],
    ['rules and prices', 'ok', undefined],
    ['browsers', 'left_out', undefined],
    ['servers', 'ok', undefined],
    ['postgres', 'failed', 'database_unavailable'],
    ['standby', 'left_out', undefined],
    ['books', 'left_out', undefined],
    ['creations', 'left_out', undefined],
    ['redis', 'failed', 'queue_unavailable'],
    ['documents', 'left_out', undefined],
    ['reports', 'failed', 'storage_failed'],
    ['vendor', 'failed', 'vendor_unauthorized'],
  ]);
  expect(findings.get('redis')?.found).toBe('Redis does not answer.');
  expect(stdout).not.toMatch(/open-sesame|another-secret/);
  for (const { state, hint, examination } of findings.values())
    if (state === 'failed') expect(hint, examination).toMatch(/\w/);
});

test('attempts that somebody removed from the tables are named, with the month they were booked for', async () => {
  const context = { ...(await createTestContext()), now: noEarlierThan('2026-12-01T00:00:00Z') };
  await bookkeeper(context)('t-gone', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)])] });
  await closeOrFail(context, '2026-10');
  await sql`delete from attempts where transaction_id = 't-gone'`.execute(context.db.kysely);
  const environment = await createCliEnvironment({ DATABASE_URL: context.config.databaseUrl ?? '' });
  const { code, findings } = await examine(environment);
  expect(code).toBe(1);
  expect(findings.get('books')).toMatchObject({ state: 'failed', code: 'blocked' });
  expect(findings.get('books')?.found).toContain('t-gone document_scan attempt 1, booked for 2026-10');
});

test('a right that is missing is found before it is needed, and keeps commands from starting', async () => {
  const environment = await createCliEnvironment();
  await asRole(asOwner(environment['DATABASE_URL'] ?? ''), `revoke insert on webhook_inbox from ${appRole}`);
  const { code, findings } = await examine(environment);
  expect(code).toBe(1);
  expect(findings.get('postgres')).toMatchObject({ state: 'failed', code: 'database_forbidden' });
  const { found = '', hint = '' } = findings.get('postgres') ?? {};
  expect(found).toContain('insert on webhook_inbox');
  const refused = await runCli(['enqueue', '11111111-2222-4333-8444-555555555555'], environment);
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain(found);
  expect(refused.stderr).toContain(hint);
});

test('sites whose pages may report are named, and creations without an answer are something that is wrong', async () => {
  const environment = await createCliEnvironment({
    BROWSER_ORIGINS: 'https://shop.example,https://other.example',
    BROWSER_TOKEN_KEY: 'ab'.repeat(32),
  });
  await runCli(['status'], environment);
  const fine = await examine(environment);
  expect(fine.code).toBe(0);
  expect(fine.findings.get('browsers')?.found).toBe(
    'tokens for pages of https://shop.example, https://other.example, for 60 minutes each',
  );
  expect(fine.findings.get('creations')?.found).toMatch(/^every creation has an answer; .*: 0 opened/);
  expect(fine.stdout).not.toContain('abab');
  await asRole(
    asOwner(environment['DATABASE_URL'] ?? ''),
    `insert into creations (request_sha256, reference, asked_by, error_code)
     select repeat('0', 64), 'team-a', 'somebody', 'vendor_timeout' from generate_series(1, 31)`,
  );
  const { code, findings } = await examine(environment);
  expect(code).toBe(1);
  expect(findings.get('creations')).toMatchObject({ state: 'failed', code: 'creation_unanswered' });
  const { found } = findings.get('creations')!;
  expect(found).toMatch(/^31 creations without an answer/);
  expect(found).toContain('for team-a');
  expect(found).toContain('and 11 more');
});

test('a secret key that everybody can read is said', async () => {
  const environment = await createCliEnvironment();
  await runCli(['status'], environment);
  const file = path.join(environment['folder'], 'documents.key');
  await writeFile(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o644 });
  const found = async () =>
    (await examine({ ...environment, DOCUMENTS_SECRET_KEY_FILE: file })).findings.get('documents')?.found;
  expect(await found()).toContain(`everybody on this machine can read the secret key in ${file}: chmod 600`);
  await chmod(file, 0o600);
  expect(await found()).not.toContain('everybody');
});

test('a document key that only a retired master opens is a problem, and it is said what to do', async () => {
  const environment = await createCliEnvironment();
  const { config } = loadConfig(environment, { vendorKey: false });
  await runCli(['status'], environment);
  const db = await openTestDatabase(config.databaseUrl);
  await storeDocuments({ db, config }, 't-1', [png]);
  const former = await mastersInUse(db.kysely);
  const { publicKey } = createMasterPair();
  await addMasters(db.kysely, [publicKey]);
  await changeMasters(db, [publicKey]);
  const now = { ...environment, DOCUMENTS_PUBLIC_KEYS: masterText(publicKey) };
  const { code, findings } = await examine(now);
  expect(code).toBe(1);
  expect(findings.get('documents')).toMatchObject({ state: 'failed', code: 'blocked' });
  expect(findings.get('documents')?.hint).toContain(`documents rotate --to ${masterText(publicKey)}`);
  await changeMasters(db, former);
  expect((await examine(environment)).findings.get('documents')).toMatchObject({ state: 'ok' });
});
