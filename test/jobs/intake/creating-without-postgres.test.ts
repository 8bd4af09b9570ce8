import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { possiblyCreated } from '../../../src/db/creations.ts';
import { LedgerError } from '../../../src/errors.ts';
import { asAdmin, atEnd, waitFor } from '../../support/books.ts';
import { answered, creating, scan } from './support-creating.ts';

type Set = Awaited<ReturnType<typeof creating>>;

/** Postgres has no room to note what the vendor says, the first `times` times. */
async function refuseAnswers({ rows }: Set, times: number): Promise<void> {
  await rows('create sequence refusals; grant usage on refusals to public');
  await rows(`
    create function refuse_answer() returns trigger language plpgsql as $$ begin
      if nextval('refusals') > ${times} then return new; end if;
      raise exception 'no room' using errcode = 'disk_full';
    end $$`);
  await rows('create trigger refuse_answer before update on creations for each row execute function refuse_answer()');
}

describe('Postgres fails between the vendor’s answer and its record:', () => {
  test('the record is tried again', async () => {
    const set = await creating();
    await refuseAnswers(set, 3);
    expect(await set.create({ wanted: { ...scan, reference: 'shop' } })).toMatchObject({ transactionId: 't-1' });
    expect(await set.rows('select reference from transaction_references')).toEqual([{ reference: 'shop' }]);
    expect(set.warned).toMatchObject([{ transactionId: 't-1', code: 'database_unavailable' }]);
    expect(set.logged).toEqual([]);
  });

  test('also where the connection broke', async () => {
    const { owner, rows, create, requests, context } = await creating(async (_request, count) => {
      await owner.query('begin; lock table creations in share mode');
      return answered(`t-${count}`);
    });
    const created = create();
    const admin = new pg.Client({ connectionString: asAdmin(context.config.databaseUrl) });
    await admin.connect();
    atEnd(() => admin.end());
    const ended = await waitFor('the record', async () => {
      const { rows: found } = await admin.query<{ ended: boolean }>(
        `select pg_terminate_backend(pid) as ended from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query ilike '%update creations%'`,
      );
      return found.length > 0 && found;
    });
    expect(ended).toEqual([{ ended: true }]);
    await owner.query('commit');
    expect(await created).toMatchObject({ transactionId: 't-1' });
    expect(requests).toHaveLength(1);
    expect(await rows('select transaction_id from creations')).toEqual([{ transaction_id: 't-1' }]);
  });

  test('for good: the error has the ID, tells nobody to repeat the call, and the creation stays listed', async () => {
    const set = await creating();
    const { context, create, logged, requests, rows } = set;
    await refuseAnswers(set, 1_000_000);
    const key = { idempotencyKey: 'order-1' };
    const [{ id } = { id: '' }] = await create(key).then(
      () => [],
      async (error: unknown) => {
        const found = await rows('select id from creations');
        expect(error).toMatchObject({
          code: 'creation_unanswered',
          message: expect.stringContaining('t-1') as string,
          fields: { creation: found[0]!['id'], transactionId: 't-1' },
        });
        return found as { id: string }[];
      },
    );
    expect(logged).toMatchObject([{ creation: id, transactionId: 't-1', code: 'database_unavailable' }]);
    await expect(create(key)).rejects.toMatchObject({ code: 'creation_under_way' });
    await rows('drop trigger refuse_answer on creations');
    await rows(`update creations set asked_at = now() - interval '3 minutes'`);
    expect(await possiblyCreated(context.db.kysely, 9)).toMatchObject([{ id }]);
    expect(requests).toHaveLength(1);
  });

  test('a refusal of the vendor’s is said, though it could not be noted', async () => {
    const set = await creating(() => {
      throw new LedgerError('vendor_rejected', 'The vendor answered 400.');
    });
    await refuseAnswers(set, 1_000_000);
    await expect(set.create()).rejects.toMatchObject({ code: 'vendor_rejected' });
    expect(set.logged).toMatchObject([{ code: 'database_unavailable' }]);
  });
});

test('a wake that fails is no failure of the creation: the sweep finds what is due', async () => {
  const { create, rows } = await creating(undefined, {
    wakeForNew: () => Promise.reject(new LedgerError('queue_misconfigured', 'Redis takes no writes.')),
  });
  expect(await create()).toMatchObject({ transactionId: 't-1' });
  expect(await rows('select from transactions')).toHaveLength(1);
});
