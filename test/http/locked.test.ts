import pg from 'pg';
import { expect, test } from 'vitest';
import { asOwner, atEnd, waitFor } from '../support/books.ts';
import { register } from '../support/facts.ts';
import { asRole } from '../support/roles.ts';
import { bearer, problem, startService, tokens } from './support.ts';

/** What `docs/deployment.md` promises of a service. */
const mostConnections = 20;

test('while somebody holds a lock pages are answered 503, on no more connections than ever', async () => {
  const service = await startService();
  const url = service.environment['DATABASE_URL'];
  await register(service.context.db, 't-locked');
  const holder = new pg.Client({ connectionString: asOwner(url) });
  await holder.connect();
  atEnd(() => holder.end());
  await holder.query('begin; lock table files, attempts in access exclusive mode');
  const asked = ['/transactions/t-locked', '/reports', '/reports/2026-10', '/metrics'].flatMap((path) =>
    Array.from({ length: path.startsWith('/transactions') ? 40 : 5 }, () => path),
  );
  const open = new Set(asked.keys());
  let most = 0;
  const counted = waitFor('all answers', async () => {
    const [found] = await asRole<{ count: number }>(
      asOwner(url),
      `select count(*)::int as count from pg_stat_activity where datname = current_database() and usename = 'idscan_ledger_app'`,
    );
    most = Math.max(most, found?.count ?? 0);
    return open.size === 0;
  });
  const answers = await Promise.all(
    asked.map(async (path, index) => {
      const answer = await service.ask(path, { headers: bearer(tokens.operator) });
      open.delete(index);
      return { path, answer };
    }),
  );
  await counted;
  for (const { path, answer } of answers.filter((one) => one.path.startsWith('/transactions'))) {
    expect(problem(answer), path).toMatchObject({ status: 503, code: 'database_unavailable' });
    expect(answer.text).toContain('holds a lock');
  }
  for (const { path, answer } of answers.filter((one) => one.path === '/metrics')) {
    expect(answer.status, path).toBe(200);
    expect(answer.text).toContain('idscan_books_readable 0');
  }
  expect(new Set(answers.map(({ answer }) => answer.status))).not.toContain(500);
  expect(most).toBeGreaterThan(3);
  expect(most).toBeLessThanOrEqual(mostConnections);
  await holder.query('rollback');
  expect((await service.ask('/transactions/t-locked', { headers: bearer(tokens.operator) })).status).toBe(200);
});
