import { describe, expect, inject, test } from 'vitest';
import { startTcpProxy } from '../chaos/tcp-proxy.ts';
import { asOwner, atEnd, createTestDatabase, waitFor } from '../support/books.ts';
import { pdf, storeDocuments } from '../support/documents.ts';
import { asRole, withDatabase } from '../support/roles.ts';
import { type Answer, bearer, problem, startService, type TestService, tokens } from './support.ts';

const read = (service: TestService): Promise<Answer> =>
  service.ask('/transactions/t-1/documents/document/result/0', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...bearer(tokens.custodian) },
    body: 'reason=case+4711',
  });

function expectNoContent({ text, headers }: Answer): void {
  expect(text).not.toContain('%PDF');
  expect(headers['content-disposition']).toBeUndefined();
}

describe('no byte goes out without its row', () => {
  /** A service whose Postgres is behind a proxy, with a document. */
  async function behindProxy() {
    const database = await createTestDatabase();
    const postgres = await startTcpProxy(inject('appUrl'));
    atEnd(postgres.close);
    const url = withDatabase(postgres.readableUrl, new URL(database).pathname.slice(1));
    const own = await startService({ DATABASE_URL: url });
    await storeDocuments(own.context, 't-1', [pdf]);
    const rows = () =>
      asRole<{ count: number }>(database, 'select count(*)::int as count from document_accesses').then(
        ([row]) => row?.count,
      );
    return { database, postgres, own, rows };
  }

  test('where Postgres is away', async () => {
    const { postgres, own, rows } = await behindProxy();
    await postgres.set('refuse');
    const answer = await read(own);
    expect(problem(answer)).toMatchObject({ status: 503, code: 'database_unavailable' });
    expectNoContent(answer);
    expect(await rows()).toBe(0);
    await postgres.set('forward');
    await waitFor('Postgres', async () => (await read(own)).status === 200);
    expect(await rows()).toBe(1);
  });

  test('where the connection breaks before it is known whether the row is there', async () => {
    const { postgres, own } = await behindProxy();
    postgres.drop({ count: 1, isMeant: (statement) => statement.includes('document_accesses') });
    const answer = await read(own);
    expect(postgres.dropped()).toBe(1);
    expect(problem(answer)).toMatchObject({ status: 503, code: 'database_unavailable' });
    expectNoContent(answer);
  });

  test('where the row is refused', async () => {
    const { database, own, rows } = await behindProxy();
    await asRole(asOwner(database), 'revoke insert on document_accesses from idscan_ledger_app');
    const answer = await read(own);
    expect(problem(answer)).toMatchObject({ status: 503, code: 'database_forbidden' });
    expectNoContent(answer);
    expect(await rows()).toBe(0);
  });

  test('where Postgres goes away between the row and the key: the try is on record', async () => {
    const { database, postgres, own, rows } = await behindProxy();
    const holder = asRole(
      asOwner(database),
      `begin; lock table document_keys in access exclusive mode; select pg_sleep(3); commit`,
    );
    await waitFor('the lock', async () => {
      const held = await asRole(
        asOwner(database),
        `select from pg_locks where relation = 'document_keys'::regclass and mode = 'AccessExclusiveLock' and granted`,
      );
      return held.length > 0;
    });
    const reading = read(own);
    await waitFor('the row', async () => (await rows()) === 1);
    await postgres.set('refuse');
    const answer = await reading;
    expect(problem(answer)).toMatchObject({ status: 503, code: 'database_unavailable' });
    expectNoContent(answer);
    await holder;
  });
});
