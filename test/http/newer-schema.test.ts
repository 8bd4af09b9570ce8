import { expect, test } from 'vitest';
import { asOwner } from '../support/books.ts';
import { asRole } from '../support/roles.ts';
import { bearer, startService, tokens } from './support.ts';

test('a service stays ready when a newer version has migrated, and says so: a rolling restart must not take all down', async () => {
  const service = await startService();
  await asRole(
    asOwner(service.environment['DATABASE_URL']),
    `insert into kysely_migration (name, timestamp) values ('29991231000000_newer', '2999-12-31T00:00:00Z')`,
  );
  const answer = await service.ask('/readyz', { headers: bearer(tokens.operator) });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.text)).toEqual({
    status: 'ready',
    checks: { postgres: 'ok', migrations: 'ok', redis: 'ok' },
    warnings: [expect.stringContaining('newer version')],
  });
});
