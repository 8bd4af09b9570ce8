import { sql } from 'kysely';
import type { ErrorCode } from '../errors.ts';
import type { Queries } from './database.ts';
import { mayDisagree } from './disagreements.ts';
import type { ChannelName, ObligationKind } from './schema.ts';
import type { NotificationKind } from '../domain/notification-kinds.ts';

/** A message and its channels. Each of its `subjects` is reported once for as long as its crossing lasts. */
export type NewNotification = {
  readonly kind: NotificationKind;
  readonly period: string;
  readonly subjects: readonly string[];
  readonly message: object;
  readonly channels: readonly ChannelName[];
};

/** A message that is due for delivery. Receivers recognise a repetition by its ID. */
export type DueDelivery = {
  readonly id: string;
  readonly channel: ChannelName;
  readonly kind: NotificationKind;
  readonly period: string;
  readonly message: Record<string, unknown>;
  readonly createdAt: Date;
  readonly attemptsMade: number;
  readonly ageMs: number;
};

/** Lets one process check the thresholds, and no other until the interval is over. */
export async function claimCheck(db: Queries, intervalMs: number): Promise<boolean> {
  const { rows } = await sql`
    update notification_checks set checked_at = now()
    where checked_at <= now() - ${intervalMs} * interval '1 millisecond' returning only_row`.execute(db);
  return rows.length > 0;
}

/** Those of the subjects that have not been reported yet. */
export async function untold(db: Queries, kind: NotificationKind, subjects: readonly string[]): Promise<string[]> {
  if (subjects.length === 0) return [];
  const { rows } = await sql<{ subject: string }>`
    select subject from notification_crossings
    where kind = ${kind} and ended_at is null and subject = any(${subjects}::text[])`.execute(db);
  const told = new Set(rows.map(({ subject }) => subject));
  return subjects.filter((subject) => !told.has(subject));
}

class AlreadyReported extends Error {}

/**
 * Stores a message, its crossings and its deliveries, all or nothing.
 *
 * @returns its ID; `undefined` = another process has reported one of its subjects in the meantime, and nothing was
 *   stored.
 */
export async function recordNotification(db: Queries, told: NewNotification): Promise<string | undefined> {
  const { kind, period, subjects, message, channels } = told;
  try {
    return await db.transaction().execute(async (queries) => {
      const { id } = await queries
        .insertInto('notifications')
        .values({ kind, period, message: JSON.stringify(message) })
        .returning('id')
        .executeTakeFirstOrThrow();
      const { rows } = await sql`
        insert into notification_crossings (kind, subject, notification_id)
        select ${kind}, subject, ${id} from unnest(${subjects}::text[]) as given (subject)
        on conflict (kind, subject) where ended_at is null do nothing returning id`.execute(queries);
      if (rows.length < subjects.length) throw new AlreadyReported();
      await sql`
        insert into notification_deliveries (notification_id, channel)
        select ${id}, channel from unnest(${channels}::text[]) as given (channel)`.execute(queries);
      return id;
    });
  } catch (error) {
    if (error instanceof AlreadyReported) return undefined;
    throw error;
  }
}

/**
 * Ends crossings that no longer last, so that the next one is reported again. @param lasting subjects that still last.
 */
export async function endCrossings(db: Queries, kind: NotificationKind, lasting: readonly string[]): Promise<void> {
  await sql`
    update notification_crossings set ended_at = now()
    where kind = ${kind} and ended_at is null and subject <> all(${lasting}::text[])`.execute(db);
}

/** The latest message of a kind for a month. */
export async function lastMessage(
  db: Queries,
  kind: NotificationKind,
  period: string,
): Promise<Record<string, unknown> | undefined> {
  const { rows } = await sql<{ message: Record<string, unknown> }>`
    select message from notifications where kind = ${kind} and period = ${period}
    order by created_at desc, id limit 1`.execute(db);
  return rows[0]?.message;
}

/**
 * Takes the delivery that has been due longest. No other process takes it during the lease. If this process dies, it
 * becomes due again after the lease, so a receiver may get a message twice, with the same ID.
 */
export async function claimDelivery(
  db: Queries,
  channel: ChannelName,
  leaseMs: number,
): Promise<DueDelivery | undefined> {
  const { rows } = await sql<DueDelivery>`
    update notification_deliveries d set due_at = now() + ${leaseMs} * interval '1 millisecond'
    from (
      select notification_id, channel from notification_deliveries
      where due_at <= now() and channel = ${channel} order by due_at limit 1 for update skip locked
    ) picked join notifications n on n.id = picked.notification_id
    where d.notification_id = picked.notification_id and d.channel = picked.channel
    returning n.id, d.channel, n.kind, n.period, n.message, n.created_at as "createdAt",
      d.attempts_made as "attemptsMade", (extract(epoch from now() - n.created_at) * 1000)::float8 as "ageMs"`.execute(
    db,
  );
  return rows[0];
}

type DeliveryKey = Pick<DueDelivery, 'id' | 'channel'>;

/** Records that a receiver has accepted a message. */
export async function finishDelivery(db: Queries, { id, channel }: DeliveryKey): Promise<void> {
  await sql`
    update notification_deliveries set due_at = null, delivered_at = now(), attempts_made = attempts_made + 1,
      last_error_code = null
    where notification_id = ${id} and channel = ${channel}`.execute(db);
}

/** Records that a delivery failed. @param delayMs the delay before the next try; `null` = there is none. */
export async function failDelivery(
  db: Queries,
  { id, channel }: DeliveryKey,
  code: ErrorCode,
  delayMs: number | null,
): Promise<void> {
  await sql`
    update notification_deliveries set attempts_made = attempts_made + 1, last_error_code = ${code},
      last_error_at = now(), due_at = now() + ${delayMs}::float8 * interval '1 millisecond'
    where notification_id = ${id} and channel = ${channel} and delivered_at is null`.execute(db);
}

/** Scheduled reports written within the last week. */
export async function scheduledReports(db: Queries): Promise<{ period: string; generation: number }[]> {
  const { rows } = await sql<{ period: string; generation: number }>`
    select period, scheduled_generation as generation from report_runs
    where scheduled_finished_at > now() - interval '7 days' order by period`.execute(db);
  return rows;
}

/**
 * Codes without a rule among the attempts since an instant; `code` `null` also stands for a task type without rules.
 */
export async function codesWithoutRule(
  db: Queries,
  since: Date,
): Promise<{ taskType: string; code: string | null; attempts: number }[]> {
  const { rows } = await sql<{ taskType: string; code: string | null; attempts: number }>`
    select task_type as "taskType", code, count(*)::integer as attempts from attempts
    where invoiced is null and attempted_at >= ${since}
      and reason in ('code_without_rule', 'task_type_without_rule', 'no_rule_table_in_force')
    group by task_type, code order by count(*) desc, task_type, code`.execute(db);
  return rows;
}

/** Tasks whose invoiced count differs from the vendor's, by the month in which their transaction was created. */
export async function mismatchesByMonth(
  db: Queries,
  months: readonly { readonly period: string; readonly start: Date; readonly end: Date }[],
): Promise<{ period: string; tasks: number; difference: number }[]> {
  const { rows } = await sql<{ period: string; tasks: number; difference: number }>`
    with miscounted as materialized (
      select transaction_id, vendor_attempts_invoiced - own_invoiced as difference from tasks k
      where ${sql.raw(mayDisagree('k'))} and vendor_attempts_invoiced <> own_invoiced
    )
    select m.period, count(*)::integer as tasks, sum(k.difference)::float8 as difference
    from miscounted k join transactions t on t.id = k.transaction_id
    join unnest(${months.map(({ period }) => period)}::text[], ${months.map(({ start }) => start)}::timestamptz[],
      ${months.map(({ end }) => end)}::timestamptz[]) as m (period, start_at, end_at)
      on t.created_at >= m.start_at and t.created_at < m.end_at
    group by m.period order by m.period`.execute(db);
  return rows;
}

/** Obligations of some kinds that have been due for longer than `ageMs`, by kind. */
export async function overdueWork(
  db: Queries,
  kinds: readonly ObligationKind[],
  ageMs: number,
): Promise<{ kind: ObligationKind; count: number; oldestDueAt: string }[]> {
  const { rows } = await sql<{ kind: ObligationKind; count: number; oldest: Date }>`
    select kind, count(*)::integer as count, min(due_at) as oldest from obligations
    where state = 'due' and kind = any(${kinds}::text[]) and due_at <= now() - ${ageMs} * interval '1 millisecond'
    group by kind order by kind`.execute(db);
  return rows.map(({ kind, count, oldest }) => ({ kind, count, oldestDueAt: oldest.toISOString() }));
}
