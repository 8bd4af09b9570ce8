import { type Kysely, sql } from 'kysely';

/**
 * Notifications: messages, the threshold crossings that they report, and their deliveries. A crossing has one row while
 * it lasts, so it is reported once, however many processes notice it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table notifications (
      id uuid primary key default gen_random_uuid(),
      kind text not null check (kind in ('report', 'budget', 'unclassified', 'counter_mismatch', 'overdue')),
      period text collate "C" not null check (period ~ '^[0-9]{4}-[0-9]{2}$'),
      message jsonb not null,
      created_at timestamptz not null default now()
    )`.execute(db);
  await sql`create index notifications_of_kind on notifications (kind, period, created_at)`.execute(db);
  await sql`
    create table notification_crossings (
      id bigint generated always as identity primary key,
      kind text not null check (kind in ('report', 'budget', 'unclassified', 'counter_mismatch', 'overdue')),
      subject text collate "C" not null,
      notification_id uuid not null references notifications,
      began_at timestamptz not null default now(),
      ended_at timestamptz check (ended_at >= began_at)
    )`.execute(db);
  await sql`create unique index notification_crossings_lasting on notification_crossings (kind, subject)
    where ended_at is null`.execute(db);
  await sql`
    create table notification_deliveries (
      notification_id uuid not null references notifications,
      channel text not null check (channel in ('webhook', 'smtp')),
      due_at timestamptz default now(),
      attempts_made integer not null default 0 check (attempts_made >= 0),
      delivered_at timestamptz,
      last_error_code text,
      last_error_at timestamptz,
      primary key (notification_id, channel),
      check (due_at is null or delivered_at is null)
    )`.execute(db);
  await sql`create index notification_deliveries_due on notification_deliveries (due_at)
    where due_at is not null`.execute(db);
  // The row that lets one of many workers check the thresholds at a time.
  await sql`
    create table notification_checks (
      only_row boolean primary key default true check (only_row),
      checked_at timestamptz not null default '-infinity'
    )`.execute(db);
  await sql`insert into notification_checks default values`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table notification_checks, notification_deliveries, notification_crossings, notifications`.execute(db);
}
