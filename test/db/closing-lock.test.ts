import pg from 'pg';
import { expect, test } from 'vitest';
import { moveHorizon } from '../../src/db/period-closes.ts';
import { atEnd, createTestContext } from '../support/books.ts';
import { bookkeeper } from '../support/closing.ts';

const end = new Date('2026-11-01T00:00:00Z');

/** Books with a writer that has written and does not commit. */
async function withUnendingWriter() {
  const context = await createTestContext();
  const look = bookkeeper(context);
  await look('t-1');
  const writer = new pg.Client({ connectionString: context.config.databaseUrl });
  await writer.connect();
  atEnd(() => writer.end());
  await writer.query(`begin; update attempts set linked = true where transaction_id = 't-1'`);
  return { queries: context.db.kysely, look, writer };
}

test('a close that waits for one writer lets the others pass', async () => {
  const { queries, look, writer } = await withUnendingWriter();
  const moving = moveHorizon(queries, end, { tries: 50, waitMs: 200 });
  for (let index = 2; index < 12; index += 1) await look(`t-${index}`);
  expect(await queries.selectFrom('attempts').select('transaction_id').execute()).toHaveLength(11);
  await writer.query('commit');
  await moving;
});

test('a writer that does not end is named as what it is', async () => {
  const { queries } = await withUnendingWriter();
  await expect(moveHorizon(queries, end, { tries: 2, waitMs: 50 })).rejects.toMatchObject({ code: 'close_busy' });
});
