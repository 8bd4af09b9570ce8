import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { openTestDatabase } from '../support/books.ts';
import { faceTask, facts, fetchedAfter, fetchedNow, fetchedOf, register, scan, scanTask } from '../support/facts.ts';
import { recordFetched as recordAllFetched } from '../../src/db/record-fetched.ts';
import { recordFetched } from '../support/single.ts';

let db: Database;
let next = 0;
beforeAll(async () => {
  db = await openTestDatabase();
});

async function newTransaction(): Promise<string> {
  const id = `tx-${(next += 1)}`;
  await register(db, id);
  return id;
}

/** Everything the books hold of a transaction but clock times and fences. */
async function books(id: string) {
  const { rows } = await sql<{ line: string }>`
    select 'tx ' || jsonb_build_array(state, completed_at, settled, result_fetched_at)::text as line from transactions where id = ${id}
    union all select 'task ' || (to_jsonb(k) - '{transaction_id,answer_fence,list_fence,attempt_fences}'::text[])::text from tasks k where transaction_id = ${id}
    union all select 'attempt ' || (to_jsonb(a) - 'transaction_id' - 'first_seen_at')::text from attempts a where transaction_id = ${id}
    union all select 'obligation ' || jsonb_build_array(kind, state, basis, generation)::text from obligations where transaction_id = ${id}
    order by 1`.execute(db.kysely);
  return rows.map(({ line }) => line);
}

const attemptsOfBooks = async (id: string) =>
  db.kysely
    .selectFrom('attempts')
    .select(['task_type', 'ordinal', 'code', 'invoiced', 'reason', 'evidence'])
    .where('transaction_id', '=', id)
    .orderBy('task_type')
    .orderBy('ordinal')
    .execute();

describe('an outcome', () => {
  test('stored twice gives the same rows', async () => {
    const id = await newTransaction();
    const of = facts(id, {
      tasks: [
        scanTask([scan('2026-10-05T10:01:00Z', 'unknown_type_front'), scan('2026-10-05T10:02:00Z', null)]),
        faceTask('face_liveness'),
      ],
    });
    const due = await recordFetched(
      db.kysely,
      fetchedOf(of, { fence: '1', resultFetched: true, documentsOffer: 'result:r', auditReportOffer: 'result:r' }),
      1_000,
    );
    expect(due?.map(({ kind }) => kind).sort()).toEqual(['audit_report', 'documents']);
    const once = await books(id);
    expect(once).toHaveLength(9);
    const again = await recordFetched(
      db.kysely,
      fetchedOf(of, { fence: '2', resultFetched: true, documentsOffer: 'result:r', auditReportOffer: 'result:r' }),
      1_000,
    );
    expect(again).toEqual([]);
    expect(await books(id)).toEqual(once);
  });

  test('of an earlier start takes nothing back once a later start has stored its own', async () => {
    const id = await newTransaction();
    const newer = facts(id, {
      tasks: [scanTask([scan('2026-10-05T10:01:00Z', 'age_criteria_not_met'), scan('2026-10-05T10:02:00Z', null)])],
    });
    await recordFetched(db.kysely, fetchedOf(newer, { fence: '2' }), 1_000);
    const before = await books(id);
    const older = facts(id, {
      state: 'pending',
      completedAt: null,
      tasks: [scanTask([scan('2026-10-05T10:01:00Z', 'processing')], { state: 'pending' })],
    });
    await recordFetched(db.kysely, fetchedOf(older, { fence: '1' }), 1_000);
    expect(await books(id)).toEqual(before);
  });

  test('among many in one statement is stored as by itself, whatever becomes of the others', async () => {
    const at = (minute: number, code: string | null) => scan(`2026-10-05T10:0${minute}:00Z`, code);
    const several = Array.from({ length: 6 }, (_, index) => index);
    const lookAt = (id: string, index: number, fence: string) => {
      const scans = several.slice(0, index).map((minute) => at(minute, minute % 2 === 0 ? null : 'unknown_type_back'));
      const of = facts(id, {
        tasks: [scanTask(scans), faceTask('face_match', index % 2 === 0 ? 'completed' : 'pending')],
      });
      const documentsOffer = index % 3 === 0 ? null : `scans:${index}`;
      const end = index === 1 ? null : index % 2 === 0 ? ({ end: 'done' } as const) : postponed;
      return fetchedOf(of, { fence, documentsOffer, end });
    };
    const withoutTime = (line: string) => line.replace(/"recorded_at": "[^"]*"/, '');
    const postponed = { end: 'postponed', dueAt: new Date('2026-12-01T00:00:00Z') } as const;
    // Fences of the obligations are as if each had been started once; one of them was taken over since.
    const newStarted = async (index: number) => {
      const id = await newTransaction();
      const fence = index === 4 ? 2 : 1;
      await db.kysely.updateTable('obligations').set({ fence, starts: 1 }).where('transaction_id', '=', id).execute();
      if (index === 5) await recordFetched(db.kysely, fetchedOf(facts(id), { fence: '7' }), 1_000);
      return id;
    };
    const [apart, together] = [await Promise.all(several.map(newStarted)), await Promise.all(several.map(newStarted))];
    const one = await Promise.all(apart.map((id, index) => recordFetched(db.kysely, lookAt(id, index, '1'), 1_000)));
    const all = await recordAllFetched(
      db.kysely,
      await Promise.all(together.map((id, index) => fetchedNow(db.kysely, lookAt(id, index, '1')))),
      1_000,
    );
    const withoutIds = (due: typeof all) =>
      due.map((wakes) => wakes?.map(({ kind, generation }) => ({ kind, generation })));
    expect(withoutIds(all)).toEqual(withoutIds(one));
    const timeless = async (ids: string[]) =>
      (await Promise.all(ids.map(books))).map((lines) => lines.map(withoutTime));
    expect(await timeless(together)).toEqual(await timeless(apart));
    const ends = async (ids: string[]) => {
      const rows = await db.kysely
        .selectFrom('obligations')
        .select(['transaction_id', 'state', 'starts', 'sweep_at'])
        .where('transaction_id', 'in', ids)
        .where('kind', '=', 'result')
        .execute();
      return ids.map((id) => {
        const row = rows.find(({ transaction_id }) => transaction_id === id);
        return `${row?.state} ${row?.starts}${row?.sweep_at?.getTime() === postponed.dueAt.getTime() ? ' postponed' : ''}`;
      });
    };
    expect(await ends(together)).toEqual(['done 0', 'due 1', 'done 0', 'due 0 postponed', 'due 1', 'due 0 postponed']);
    expect(await ends(apart)).toEqual(await ends(together));
  });

  test('among many that rests on what has changed since is to be decided again, and alone', async () => {
    const [beaten, fine] = [await newTransaction(), await newTransaction()];
    await recordFetched(db.kysely, fetchedOf(facts(beaten), { fence: '1' }), 1_000);
    const nothing = { fence: '0', revision: '0', transaction: null };
    const [first, second] = await recordAllFetched(
      db.kysely,
      [
        fetchedAfter(nothing, fetchedOf(facts(beaten), { fence: '2', documentsOffer: 'scans:1' })),
        fetchedAfter(nothing, fetchedOf(facts(fine), { fence: '2', documentsOffer: 'scans:1' })),
      ],
      1_000,
    );
    expect(first).toBeUndefined();
    expect(second).toMatchObject([{ transactionId: fine, kind: 'documents' }]);
  });

  test('that the vendor answered from a stale copy takes nothing back', async () => {
    const id = await newTransaction();
    const newest = facts(id, {
      tasks: [
        scanTask([scan('2026-10-05T10:01:00Z', 'age_criteria_not_met'), scan('2026-10-05T10:02:00Z', null)]),
        faceTask('face_liveness'),
      ],
    });
    await recordFetched(db.kysely, fetchedOf(newest, { fence: '1' }), 1_000);
    const before = await books(id);
    const stale = facts(id, {
      state: 'pending',
      completedAt: null,
      tasks: [
        scanTask([scan('2026-10-05T10:01:00Z', 'processing')], { state: 'pending' }),
        faceTask('face_liveness', 'pending'),
      ],
    });
    await recordFetched(
      db.kysely,
      fetchedOf(stale, { fence: '2', fetchedAt: new Date('2026-10-05T11:00:00Z') }),
      1_000,
    );
    expect(await books(id)).toEqual(before);
  });

  test('moves an attempt from processing to its code', async () => {
    const id = await newTransaction();
    const of = (code: string | null) => facts(id, { tasks: [scanTask([scan('2026-10-05T10:01:00Z', code)])] });
    await recordFetched(db.kysely, fetchedOf(of('processing'), { fence: '1' }), 1_000);
    expect(await attemptsOfBooks(id)).toMatchObject([{ code: 'processing', invoiced: false }]);
    await recordFetched(db.kysely, fetchedOf(of(null), { fence: '2' }), 1_000);
    expect(await attemptsOfBooks(id)).toMatchObject([{ code: null, invoiced: true, reason: 'success_invoiced' }]);
  });

  test('replaces stand-ins for a missing list by the list', async () => {
    const id = await newTransaction();
    const unlisted = facts(id, { tasks: [scanTask([], { attempts: 3, attemptsInvoiced: 2, scans: null })] });
    await recordFetched(db.kysely, fetchedOf(unlisted, { fence: '1' }), 1_000);
    expect((await attemptsOfBooks(id)).map(({ evidence }) => evidence)).toEqual([
      'counter_invoiced',
      'counter_invoiced',
      'counter_not_invoiced',
    ]);
    const listed = facts(id, {
      tasks: [
        scanTask([
          scan('2026-10-05T10:01:00Z', 'unknown_type_back'),
          scan('2026-10-05T10:02:00Z', 'age_criteria_not_met'),
          scan('2026-10-05T10:03:00Z', null),
        ]),
      ],
    });
    await recordFetched(db.kysely, fetchedOf(listed, { fence: '2' }), 1_000);
    expect(await attemptsOfBooks(id)).toMatchObject([
      { ordinal: 1, evidence: 'scan_list', invoiced: false },
      { ordinal: 2, evidence: 'scan_list', invoiced: true },
      { ordinal: 3, evidence: 'scan_list', invoiced: true },
    ]);
  });

  test('keeps own count and vendor counter side by side, and lets neither change the other', async () => {
    const id = await newTransaction();
    const of = facts(id, {
      tasks: [
        scanTask([scan('2026-10-05T10:01:00Z', null), scan('2026-10-05T10:02:00Z', null)], { attemptsInvoiced: 1 }),
      ],
    });
    await recordFetched(db.kysely, fetchedOf(of, { fence: '1' }), 1_000);
    const task = await db.kysely
      .selectFrom('tasks')
      .selectAll()
      .where('transaction_id', '=', id)
      .executeTakeFirstOrThrow();
    expect(task).toMatchObject({ own_attempts: 2, own_invoiced: 2, vendor_attempts: 2, vendor_attempts_invoiced: 1 });
  });

  test('makes documents due again only when there is something new to fetch', async () => {
    const id = await newTransaction();
    const kinds = async (fence: string, documentsOffer: string | null) =>
      (await recordFetched(db.kysely, fetchedOf(facts(id), { fence, documentsOffer }), 1_000))?.map(
        ({ kind, generation }) => [kind, generation],
      );
    expect(await kinds('1', 'scans:2')).toEqual([['documents', 1]]);
    expect(await kinds('2', 'scans:2')).toEqual([]);
    expect(await kinds('3', null)).toEqual([]);
    expect(await kinds('4', 'result:r')).toEqual([['documents', 2]]);
  });

  test('the database itself refuses an attempt that is invoiced by no rule table, and a second one of the same key', async () => {
    const id = await newTransaction();
    await recordFetched(db.kysely, fetchedOf(facts(id), { fence: '1' }), 1_000);
    const row = {
      transaction_id: id,
      task_type: 'document_scan',
      attempted_at: new Date(),
      time_basis: 'scan_created',
      evidence: 'scan_list',
      code: null,
      linked: null,
      capture_source: null,
      invoiced: true,
      reason: 'success_invoiced',
    } as const;
    const insert = (ordinal: number, rule_table_version: string | null) =>
      db.kysely
        .insertInto('attempts')
        .values({ ...row, ordinal, rule_table_version })
        .execute();
    await expect(insert(2, null)).rejects.toMatchObject({ code: '23514' });
    await expect(insert(1, 'v')).rejects.toMatchObject({ code: '23505' });
  });
});
