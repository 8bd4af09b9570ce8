import { readdir } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { describe, expect, inject, test, vi } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { startTcpProxy, type TcpProxy } from '../chaos/tcp-proxy.ts';
import { asAdmin, asOwner, atEnd, createTestDatabase, openTestDatabase, waitFor } from '../support/books.ts';
import { createCliEnvironment, startCli } from '../support/cli.ts';
import { pdf, storeDocuments } from '../support/documents.ts';
import { withDatabase } from '../support/roles.ts';
import { bearer, problem, startService, tokens } from './support.ts';

// A server that is frozen is waited for, for as long as a statement may take.
vi.setConfig({ testTimeout: 240_000 });

/** The tables that a reading needs, in the order in which it comes to them, and the rows it has left by then. */
const steps = [
  { table: 'files', rows: 0 },
  { table: 'transactions', rows: 0 },
  { table: 'erasures', rows: 0 },
  { table: 'document_accesses', rows: 0 },
  { table: 'document_keys', rows: 1 },
] as const;

type Reading = {
  /** Reads the document, and says what came of it. */
  readonly read: () => Promise<{ readonly said: string; readonly hasContent: boolean }>;
};

/** Books behind a proxy, with one who reads. */
async function books(by: 'page' | 'command'): Promise<Reading & { postgres: TcpProxy; database: string }> {
  const database = await createTestDatabase();
  const postgres = await startTcpProxy(inject('appUrl'));
  atEnd(postgres.close);
  const DATABASE_URL = withDatabase(postgres.readableUrl, new URL(database).pathname.slice(1));
  if (by === 'page') {
    const service = await startService({ DATABASE_URL });
    await storeDocuments(service.context, 't-1', [pdf]);
    const read = async () => {
      const answer = await service.ask('/transactions/t-1/documents/document/result/0', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...bearer(tokens.custodian) },
        body: 'reason=case+4711',
      });
      const hasContent = answer.text.includes('%PDF') || answer.headers['content-disposition'] !== undefined;
      return { said: hasContent ? '' : `${answer.text} ${problem(answer).code}`, hasContent };
    };
    return { postgres, database, read };
  }
  const environment = await createCliEnvironment({ DATABASE_URL });
  const { config } = loadConfig(environment, { vendorKey: false });
  await storeDocuments({ db: await openTestDatabase(database), config }, 't-1', [pdf]);
  const out = path.join(environment.folder, 'case');
  const read = async () => {
    const { code, stdout, stderr } = await startCli(
      ['documents', 'get', 't-1', '--out', out, '--reason', 'case 4711'],
      environment,
    ).result;
    expect(code === 0).toBe(stderr === '');
    return { said: stdout + stderr, hasContent: (await readdir(out).catch(() => [])).length > 0 };
  };
  return { postgres, database, read };
}

/** Locks a table, so that a reading stops there. */
async function stopAt(database: string, table: string) {
  const open = async (url: string) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    atEnd(() => client.end().catch(() => undefined));
    return client;
  };
  const [holder, watching] = [await open(asOwner(database)), await open(asAdmin(database))];
  await holder.query(`begin; lock table ${table} in access exclusive mode`);
  // Autovacuum may wait, too.
  const isWaiting = async () =>
    (
      await watching.query(
        `select from pg_locks l join pg_stat_activity a using (pid)
        where l.relation = '${table}'::regclass and not l.granted and a.backend_type = 'client backend'`,
      )
    ).rows.length > 0;
  const rows = async () => (await watching.query('select from document_accesses')).rows.length;
  return { isWaiting, rows, goOn: () => holder.query('rollback') };
}

async function readWhile(by: 'page' | 'command', table: string, mode: 'refuse' | 'black-hole') {
  const { postgres, database, read } = await books(by);
  const { isWaiting, rows, goOn } = await stopAt(database, table);
  const reading = read();
  await waitFor(`a reading at ${table}`, isWaiting, 60_000);
  await postgres.set(mode);
  const result = await reading;
  await goOn();
  const left = await rows();
  await postgres.set('forward');
  await waitFor('Postgres', async () => (await read()).hasContent, 60_000);
  return { result, left, afterwards: await rows() };
}

describe.each(['page', 'command'] as const)('Postgres goes away from a reading by %s', (by) => {
  const cases = [
    ...steps.map((step) => ({ ...step, mode: 'refuse' as const, how: 'is killed' })),
    // A page waits longer, for figures of months: its time is not for a test.
    ...(by === 'command' ? steps.slice(-2) : []).map((step) => ({
      ...step,
      mode: 'black-hole' as const,
      how: 'freezes',
    })),
  ];
  test.each(cases)('that waits for $table: it $how', async ({ table, mode, rows }) => {
    const { result, left, afterwards } = await readWhile(by, table, mode);
    expect(result.hasContent).toBe(false);
    expect(result.said).toContain('database_unavailable');
    expect(result.said).not.toMatch(/%PDF|\n\s+at |node_modules|\.ts:\d/);
    expect(left).toBe(rows);
    expect(afterwards).toBe(rows + 1);
  });
});
