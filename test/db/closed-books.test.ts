import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { periodCloses } from '../../src/db/period-closes.ts';
import { loadConfig } from '../../src/config/config.ts';
import { requestReport } from '../../src/db/report-runs.ts';
import { checkThresholds, noteReports } from '../../src/jobs/notify/check-notifications.ts';
import { deliverNotifications } from '../../src/jobs/notify/deliver-notifications.ts';
import { openChannels } from '../../src/notify/channels.ts';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { asOwner, atEnd, createTestContext, type TestContext, waitFor } from '../support/books.ts';
import { bookkeeper, closeOrFail } from '../support/closing.ts';
import { scan, scanTask } from '../support/facts.ts';
import { startReceiver } from '../support/receivers.ts';
import { noEarlierThan } from '../support/instants.ts';

const now = noEarlierThan('2027-01-01T00:00:00Z');
let context: TestContext;
let owner: pg.Client;
let worker: pg.Client;

beforeAll(async () => {
  context = { ...(await createTestContext()), now };
  const look = bookkeeper(context);
  await look('t-1');
  await look('t-2', { tasks: [scanTask([scan('2026-10-05T10:05:00Z', null)], { attemptsInvoiced: 3 })] });
  await closeOrFail(context, '2026-10');
  const { databaseUrl } = context.config;
  owner = new pg.Client({ connectionString: asOwner(databaseUrl) });
  worker = new pg.Client({ connectionString: databaseUrl });
  for (const client of [owner, worker]) {
    await client.connect();
    atEnd(() => client.end());
  }
});

/** The code with which Postgres refuses a statement of the worker's role or of the owner; its effect is taken back. */
async function refusal(statement: string, as: 'worker' | 'owner'): Promise<string> {
  const client = { worker, owner }[as];
  await client.query('begin');
  try {
    await client.query(statement);
    return 'accepted';
  } catch (error) {
    return String((error as pg.DatabaseError).code);
  } finally {
    await client.query('rollback');
  }
}

const insufficientPrivilege = '42501';
const restrictViolation = '23001';
const changes = [
  `update closed_lines set amount = '0.01'`,
  `update closed_lines set amount = amount`,
  `delete from closed_lines`,
  `delete from closed_lines where false`,
  'truncate closed_lines',
  `update period_closes set manifest = '{}'`,
  `delete from period_closes`,
  `truncate period_closes cascade`,
  `update closed_discrepancies set own_quantity = 3`,
  `delete from closed_discrepancies`,
  `delete from closed_charges`,
  `update reference_files set content = ''`,
  `delete from reference_versions`,
  `delete from price_list_uses`,
  `delete from rules_uses`,
];

describe('a closed month in the database', () => {
  test.each(changes)('refuses to the worker: %s', async (statement) => {
    expect(await refusal(statement, 'worker')).toBe(insufficientPrivilege);
  });

  test.each(changes)('refuses to the owner, triggers in place: %s', async (statement) => {
    expect(await refusal(statement, 'owner')).toBe(restrictViolation);
  });

  test.each(['worker', 'owner'] as const)('takes no further lines, nor from the %s', async (as) => {
    const columns = `period, line_number, quantity, transaction_id, task_type, ordinal, attempted_at, reason, settled, counter_status`;
    const line = (period: string) =>
      `insert into closed_lines (${columns}) values ('${period}', 99, 1, 't-3', 'document_scan', 1, now(), 'success_invoiced', true, 'absent')`;
    expect(await refusal(line('2026-10'), as)).toBe(restrictViolation);
    // Of a month that is not closed by the end of the transaction, neither.
    expect(await refusal(`${line('2026-11')}; set constraints all immediate`, as)).toBe('23503');
    expect(await refusal(`insert into closed_charges (period, amount) values ('2026-10', '5.00')`, as)).toBe(
      restrictViolation,
    );
  });

  test.each(['worker', 'owner'] as const)('is not deceived by temporary tables of the %s', async (as) => {
    const columns = `period, line_number, quantity, transaction_id, task_type, ordinal, attempted_at, reason, settled, counter_status`;
    const line = `insert into closed_lines (${columns}) values ('2026-10', 99, 1, 't-3', 'document_scan', 1, now(), 'success_invoiced', true, 'absent')`;
    expect(await refusal(`create temp table period_closes (period text collate "C"); ${line}`, as)).toBe(
      restrictViolation,
    );
    const unnoted = `
      create temp table closing_horizon (end_at timestamptz);
      update attempts set code = 'changed' where transaction_id = 't-1';
      do $$ begin if not exists (select from late_changes where booked_in is null and transaction_id = 't-1') then
        raise exception 'not noted'; end if; end $$`;
    expect(await refusal(unnoted, as)).toBe('accepted');
  });

  test('a second close of the same month or of one that overlaps it is refused', async () => {
    const copy = (period: string) => `
      insert into period_closes (period, start_at, end_at, time_zone, rules_sha256, closed_by, blockers, manifest, manifest_sha256)
      select '${period}', start_at, end_at, time_zone, rules_sha256, closed_by, blockers, manifest, manifest_sha256 from period_closes`;
    expect(await refusal(copy('2026-10'), 'owner')).toBe('23505');
    expect(await refusal(copy('2026-11'), 'owner')).toBe('23P01');
  });

  test('the worker’s role can do all that books need: intake, outcomes, reports and closes', async () => {
    const books = context;
    const look = bookkeeper(books);
    await look('t-3');
    await look('t-3', { tasks: [scanTask([scan('2026-11-05T10:05:00Z', 'processing')])] });
    await writeReport(books, '2026-11');
    await closeOrFail(books, '2026-11');
    expect((await periodCloses(books.db.kysely)).map(({ period }) => period)).toEqual(['2026-10', '2026-11']);
    await requestReport(books.db.kysely, '2026-12', 'schedule', 60_000);
    await writeReport(books, '2026-12', { generation: 1 });
    const receiver = await startReceiver();
    const environment = { NOTIFY_WEBHOOK_URL: receiver.url };
    const { notifications } = loadConfig(environment, { vendorKey: false, notifications: true });
    const channels = await openChannels(notifications!, {});
    atEnd(() => channels[0]!.close());
    const teller = { ...books, notifications: { ...notifications!, channels, counted: () => undefined } };
    await noteReports(teller);
    await checkThresholds(teller, 0);
    receiver.answer(500);
    expect((await deliverNotifications(teller)).failed).toBeGreaterThan(0);
    await owner.query('update notification_deliveries set due_at = now()');
    receiver.answer(200);
    expect((await deliverNotifications(teller)).delivered).toBeGreaterThan(0);
  });

  test('takes no line that is committed behind its close either', async () => {
    const columns = `period, line_number, quantity, transaction_id, task_type, ordinal, attempted_at, reason, settled, counter_status`;
    const beside = new pg.Client({ connectionString: context.config.databaseUrl });
    await beside.connect();
    atEnd(() => beside.end());
    await beside.query(`begin; insert into closed_lines (${columns})
      values ('2026-12', 99, 1, 't-3', 'document_scan', 1, now(), 'success_invoiced', true, 'absent')`);
    const closing = closeOrFail(context, '2026-12');
    await waitFor('the close to wait for it', async () => {
      const { rows } = await owner.query(`select from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())`);
      return rows.length > 0;
    });
    await expect(beside.query('commit')).rejects.toMatchObject({ code: '23503' });
    await closing;
    const { rows } = await owner.query(`select from closed_lines where period = '2026-12'`);
    expect(rows).toEqual([]);
  });

  test.each(['worker', 'owner'] as const)('keeps its horizon, whatever the %s tries', async (as) => {
    expect(await refusal(`update closing_horizon set end_at = end_at - interval '1 month'`, as)).toBe(
      restrictViolation,
    );
    expect(await refusal(`delete from closing_horizon`, as)).toBe(
      as === 'owner' ? restrictViolation : insufficientPrivilege,
    );
    expect(await refusal(`update closing_horizon set end_at = end_at`, as)).toBe('accepted');
  });

  test.each(['worker', 'owner'] as const)('keeps its late changes, whatever the %s tries', async (as) => {
    const note = `insert into late_changes (transaction_id) values ('t-1')`;
    const refused = as === 'owner' ? restrictViolation : insufficientPrivilege;
    expect(await refusal(`${note}; update late_changes set booked_in = '2026-10' where booked_in is null`, as)).toBe(
      restrictViolation,
    );
    expect(await refusal(`${note}; update late_changes set booked_in = null`, as)).toBe(restrictViolation);
    expect(await refusal(`${note}; update late_changes set transaction_id = 't-2'`, as)).toBe(refused);
    expect(await refusal(`delete from late_changes`, as)).toBe(refused);
    expect(await refusal(`truncate late_changes`, as)).toBe(refused);
    expect(await refusal(note, as)).toBe('accepted');
  });

  test('lines changed behind its back are noticed before anything is published', async () => {
    const first = await writeReport(context, '2026-10');
    await owner.query(`
      begin; alter table closed_lines disable trigger refuse_change;
      update closed_lines set amount = '0.86' where transaction_id = 't-1';
      alter table closed_lines enable trigger refuse_change; commit`);
    await expect(writeReport(context, '2026-10')).rejects.toMatchObject({ code: 'closed_month_differs' });
    expect(first.manifest.sha256).toBe((await periodCloses(context.db.kysely))[0]?.manifestSha256);
  });
});
