import { type Kysely, sql } from 'kysely';

/**
 * Closed months: what was booked (closed_lines, closed_discrepancies, closed_charges, period_closes) and the rules and
 * prices used (reference_files, reference_versions). Rows of these tables are only ever added. late_changes has what
 * changed below the horizon of closed months and must be corrected in the next open month.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createReference(db);
  await createCloses(db);
  await createClosedLines(db);
  await createLateChanges(db);
  await refuseChanges(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const event of ['insert', 'update', 'delete'])
    await sql`drop trigger ${sql.ref(`note_late_attempts_${event}`)} on attempts`.execute(db);
  for (const event of ['insert', 'update'])
    await sql`drop trigger ${sql.ref(`note_late_tasks_${event}`)} on tasks`.execute(db);
  await sql`
    drop table late_changes, closing_horizon, closed_charges, closed_discrepancies, closed_lines, period_closes,
      price_list_uses, reference_versions, reference_files`.execute(db);
  await sql`drop function note_late_changes(), refuse_change(), refuse_line_of_closed_period()`.execute(db);
}

async function createReference(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table reference_files (
      sha256 text primary key check (sha256 ~ '^[0-9a-f]{64}$'),
      kind text not null check (kind in ('rules', 'prices')),
      content bytea not null check (encode(sha256(content), 'hex') = sha256),
      stored_at timestamptz not null default now()
    )`.execute(db);
  await sql`
    create table reference_versions (
      kind text not null check (kind in ('rule_table', 'price_list')),
      version text collate "C" not null,
      sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
      primary key (kind, version)
    )`.execute(db);
  await sql`
    create table price_list_uses (
      used_from timestamptz primary key default now(),
      sha256 text references reference_files
    )`.execute(db);
}

async function createCloses(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table period_closes (
      period text collate "C" primary key check (period ~ '^2[0-9]{3}-(0[1-9]|1[0-2])$'),
      version integer not null default 1 check (version = 1),
      start_at timestamptz not null,
      end_at timestamptz not null check (end_at > start_at),
      time_zone text not null,
      currency text check (currency ~ '^[A-Z]{3}$'),
      rules_sha256 text not null references reference_files,
      prices_sha256 text references reference_files,
      closed_at timestamptz not null default now(),
      closed_by text not null,
      forced_reason text check (forced_reason <> ''),
      blockers jsonb not null,
      manifest text not null,
      manifest_sha256 text not null check (manifest_sha256 = encode(sha256(convert_to(manifest, 'UTF8')), 'hex')),
      check ((currency is null) = (prices_sha256 is null)),
      exclude using gist (tstzrange(start_at, end_at) with &&)
    )`.execute(db);
}

async function createClosedLines(db: Kysely<unknown>): Promise<void> {
  const period = sql`period text collate "C" not null references period_closes deferrable initially deferred`;
  const correctsPeriod = sql`corrects_period text collate "C" check (corrects_period ~ '^2[0-9]{3}-(0[1-9]|1[0-2])$')`;
  await sql`
    create table closed_lines (
      ${period},
      line_number bigint not null check (line_number >= 1),
      quantity smallint not null check (quantity in (1, -1)),
      ${correctsPeriod},
      transaction_id text collate "C" not null,
      result_id text collate "C",
      task_type text collate "C" not null,
      ordinal integer not null,
      attempted_at timestamptz not null,
      code text collate "C",
      invoiced boolean,
      reason text collate "C" not null,
      level text collate "C",
      capture_source text collate "C",
      linked boolean,
      transaction_state text,
      settled boolean not null,
      unit_price text collate "C" check (unit_price ~ '^[0-9]+(\\.[0-9]{1,6})?$'),
      amount text collate "C" check (amount ~ '^-?[0-9]+(\\.[0-9]{1,6})?$'),
      price_tier text collate "C",
      tier_position bigint,
      rule_table_version text collate "C",
      price_list_version text collate "C",
      vendor_attempts integer,
      vendor_attempts_invoiced integer,
      counter_status text not null check (counter_status in ('match', 'mismatch', 'absent')),
      vendor_share integer,
      primary key (period, line_number),
      check (quantity = 1 or corrects_period is not null),
      check (corrects_period < period),
      check (amount is null or invoiced is not null)
    )`.execute(db);
  await sql`create index closed_lines_attempt on closed_lines (transaction_id, task_type, ordinal)`.execute(db);
  await sql`
    create index closed_lines_corrections on closed_lines (corrects_period) where corrects_period is not null`.execute(
    db,
  );
  await sql`
    create table closed_discrepancies (
      ${period},
      line_number bigint not null check (line_number >= 1),
      ${correctsPeriod},
      transaction_id text collate "C" not null,
      task_type text collate "C" not null,
      reason text collate "C" not null,
      own_quantity integer not null,
      vendor_quantity integer not null,
      primary key (period, line_number)
    )`.execute(db);
  await sql`create index closed_discrepancies_task on closed_discrepancies (transaction_id, task_type)`.execute(db);
  await sql`
    create table closed_charges (
      ${period},
      ${correctsPeriod},
      amount text collate "C" not null check (amount ~ '^-?[0-9]+(\\.[0-9]{1,6})?$'),
      unique nulls not distinct (period, corrects_period)
    )`.execute(db);
}

/**
 * Writers hold the closing lock in shared mode until they commit. Moving the horizon takes it exclusively. So each
 * change is either committed before a close reads, or noted here. Unnecessary notes do no harm.
 */
async function createLateChanges(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table closing_horizon (
      only_row boolean primary key default true check (only_row),
      end_at timestamptz not null,
      rules_sha256 text
    )`.execute(db);
  await sql`
    create table late_changes (
      id bigint generated always as identity primary key,
      transaction_id text collate "C" not null references transactions,
      changed_at timestamptz not null default now(),
      booked_in text collate "C" references period_closes deferrable initially deferred
    )`.execute(db);
  await sql`
    create index late_changes_unbooked on late_changes (transaction_id) where booked_in is null`.execute(db);
  await sql`
    create function note_late_changes() returns trigger language plpgsql as $$
    declare horizon timestamptz;
    begin
      perform pg_advisory_xact_lock_shared(hashtextextended('idscan-ledger closing', 0));
      select end_at into horizon from closing_horizon;
      if horizon is null then return null; end if;
      if TG_TABLE_NAME = 'tasks' then
        if TG_OP = 'INSERT' then
          insert into late_changes (transaction_id)
          select distinct c.transaction_id from changed c join transactions t on t.id = c.transaction_id
          where t.created_at < horizon;
        else
          insert into late_changes (transaction_id)
          select distinct c.transaction_id from changed c join transactions t on t.id = c.transaction_id
            join before b using (transaction_id, task_type)
          where t.created_at < horizon
            and (c.level, c.vendor_attempts, c.vendor_attempts_invoiced, c.scan_list_missing, c.own_attempts, c.own_invoiced)
              is distinct from
              (b.level, b.vendor_attempts, b.vendor_attempts_invoiced, b.scan_list_missing, b.own_attempts, b.own_invoiced);
        end if;
      elsif TG_OP = 'INSERT' then
        insert into late_changes (transaction_id)
        select distinct transaction_id from changed where attempted_at < horizon;
      elsif TG_OP = 'DELETE' then
        insert into late_changes (transaction_id)
        select distinct transaction_id from before where attempted_at < horizon;
      else
        insert into late_changes (transaction_id)
        select transaction_id from changed where attempted_at < horizon
        union select transaction_id from before where attempted_at < horizon;
      end if;
      return null;
    end $$`.execute(db);
  const tables = {
    insert: sql`referencing new table as changed`,
    update: sql`referencing old table as before new table as changed`,
    delete: sql`referencing old table as before`,
  };
  for (const [event, referencing] of Object.entries(tables))
    await sql`
      create trigger ${sql.ref(`note_late_attempts_${event}`)} after ${sql.raw(event)} on attempts ${referencing}
      for each statement execute function note_late_changes()`.execute(db);
  for (const event of ['insert', 'update'] as const)
    await sql`
      create trigger ${sql.ref(`note_late_tasks_${event}`)} after ${sql.raw(event)} on tasks ${tables[event]}
      for each statement execute function note_late_changes()`.execute(db);
}

async function refuseChanges(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception 'rows of % are never changed or removed', TG_TABLE_NAME using errcode = 'restrict_violation',
        hint = 'What changes after a close is booked in the next open month.';
    end $$`.execute(db);
  const frozen = [
    'reference_files',
    'reference_versions',
    'price_list_uses',
    'period_closes',
    'closed_lines',
    'closed_discrepancies',
    'closed_charges',
  ];
  for (const table of frozen)
    await sql`
      create trigger refuse_change before update or delete or truncate on ${sql.ref(table)}
      for each statement execute function refuse_change()`.execute(db);
  // A month's lines are inserted before its close, in the same transaction. After that none may be added.
  await sql`
    create function refuse_line_of_closed_period() returns trigger language plpgsql as $$
    begin
      if exists (select from added join period_closes using (period)) then
        raise exception 'a month that is closed gets no further rows in %', TG_TABLE_NAME
          using errcode = 'restrict_violation', hint = 'What arrives after a close is booked in the next open month.';
      end if;
      return null;
    end $$`.execute(db);
  for (const table of ['closed_lines', 'closed_discrepancies', 'closed_charges'])
    await sql`
      create trigger refuse_line_of_closed_period after insert on ${sql.ref(table)}
      referencing new table as added for each statement execute function refuse_line_of_closed_period()`.execute(db);
}
