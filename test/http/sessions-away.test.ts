import { describe, expect, test } from 'vitest';
import { startTcpProxy } from '../chaos/tcp-proxy.ts';
import { atEnd, createTestDatabase, waitFor } from '../support/books.ts';
import { look, signIn, signOut } from './session-support.ts';
import { bearer, problem, startService, tokens } from './support.ts';

describe('while Postgres is away', () => {
  test.each(['refuse', 'black-hole'] as const)(
    'a session is neither good nor none: 503, and no way to the sign-in (%s)',
    { timeout: 120_000 },
    async (mode) => {
      const postgres = await startTcpProxy(await createTestDatabase());
      atEnd(postgres.close);
      const service = await startService({ DATABASE_URL: postgres.url });
      const cookie = await signIn(service);
      await postgres.set(mode);
      for (const path of ['/', '/reports/2026-10/files/manifest.json', '/queues']) {
        const answer = await look(service, cookie, path);
        expect(answer.status, path).toBe(503);
        expect(answer.headers).not.toHaveProperty('location');
        expect(answer.headers['retry-after']).toBe('5');
        expect(answer.text).not.toMatch(/ECONN|token [\da-f]{8}|Sign out/);
      }
      expect(problem(await look(service, cookie, '/', '*/*'))).toMatchObject({ code: 'database_unavailable' });
      // What needs no session goes on, and nobody who is not signed in waits for Postgres.
      expect((await service.ask('/', { headers: bearer(tokens.operator) })).status).toBe(200);
      expect((await look(service, '')).status).toBe(303);
      const out = await signOut(service, cookie);
      expect(problem(out)).toMatchObject({ status: 503, code: 'database_unavailable' });
      expect(out.headers['set-cookie']?.[0]).toMatch(/^idscan-ledger-session=; Max-Age=0; /);
      await postgres.set('forward');
      await waitFor('the session again', async () => (await look(service, cookie)).status === 200, 60_000);
    },
  );
});
