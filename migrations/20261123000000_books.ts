import { type Kysely, sql } from 'kysely';

/**
 * The books: requests (intake), what the vendor said (transactions, tasks, attempts, files), pending work (obligations)
 * and written reports (report_runs).
 *
 * IDs and codes are compared bytewise (collate "C"), so that their order is the same on every machine.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createTransactions(db);
  await createTasks(db);
  await createAttempts(db);
  await keepOwnCounts(db);
  await createObligations(db);
  await createFiles(db);
  await createReportRuns(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table report_runs, files, obligations, attempts, tasks, intake, transactions`.execute(db);
  await sql`drop function count_own_attempts()`.execute(db);
}

async function createTransactions(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table transactions (
      id text collate "C" primary key check (id ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$'),
      result_id text collate "C" check (result_id ~ '^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$'),
      state text check (state !~ '[[:cntrl:]]'),
      created_at timestamptz,
      expires_at timestamptz,
      completed_at timestamptz,
      fetched_at timestamptz,
      result_fetched_at timestamptz,
      settled boolean not null default false,
      fence bigint not null default 0,
      registered_at timestamptz not null default now(),
      check (not settled or fetched_at is not null),
      check ((fetched_at is null) = (state is null)),
      check ((fetched_at is null) = (created_at is null))
    )`.execute(db);
  await sql`create index transactions_unsettled on transactions (created_at) where not settled`.execute(db);
  await sql`create index transactions_result on transactions (result_id) where result_id is not null`.execute(db);
  await sql`
    create table intake (
      id bigint generated always as identity primary key,
      transaction_id text collate "C" not null references transactions,
      result_id text collate "C",
      source text not null check (source ~ '^[a-z_]{1,30}$'),
      received_at timestamptz not null default now(),
      unique nulls not distinct (transaction_id, result_id)
    )`.execute(db);
}

async function createTasks(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table tasks (
      transaction_id text collate "C" not null references transactions,
      task_type text collate "C" not null check (task_type !~ '[[:cntrl:]]' and task_type <> ''),
      state text check (state !~ '[[:cntrl:]]'),
      level text collate "C" check (level !~ '[[:cntrl:]]' and level <> ''),
      vendor_attempts integer check (vendor_attempts >= 0),
      vendor_attempts_invoiced integer check (vendor_attempts_invoiced >= 0),
      scan_list_missing boolean not null,
      own_attempts integer not null default 0 check (own_attempts >= 0),
      own_invoiced integer not null default 0 check (own_invoiced between 0 and own_attempts),
      primary key (transaction_id, task_type)
    )`.execute(db);
  await sql`
    create index tasks_counted_unlisted on tasks (transaction_id)
    where own_attempts = 0 and vendor_attempts_invoiced > 0`.execute(db);
}

async function createAttempts(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table attempts (
      transaction_id text collate "C" not null,
      task_type text collate "C" not null,
      ordinal integer not null check (ordinal >= 1),
      attempted_at timestamptz not null,
      time_basis text not null
        check (time_basis in ('scan_created', 'transaction_completed', 'last_scan_created', 'transaction_created')),
      evidence text not null
        check (evidence in ('scan_list', 'task_completed_transaction', 'task_open_transaction',
                            'counter_invoiced', 'counter_not_invoiced', 'count_only')),
      code text collate "C" check (code !~ '[[:cntrl:]]' and code <> ''),
      linked boolean,
      capture_source text collate "C" check (capture_source !~ '[[:cntrl:]]'),
      invoiced boolean,
      reason text collate "C" not null check (reason ~ '^[a-z_]{1,60}$'),
      rule_table_version text collate "C",
      first_seen_at timestamptz not null default now(),
      primary key (transaction_id, task_type, ordinal),
      foreign key (transaction_id, task_type) references tasks,
      check (invoiced is null or rule_table_version is not null)
    )`.execute(db);
  await sql`create index attempts_attempted_at on attempts (attempted_at)`.execute(db);
}

/**
 * Keeps our own counts on the task, beside the vendor's. A trigger does it, so that they are right whoever writes
 * attempts.
 */
async function keepOwnCounts(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function count_own_attempts() returns trigger language plpgsql as $$
    begin
      update tasks t
      set own_attempts = counted.attempts, own_invoiced = counted.invoiced
      from (
        select touched.transaction_id, touched.task_type,
               count(a.ordinal)::integer as attempts, (count(*) filter (where a.invoiced))::integer as invoiced
        from (select distinct transaction_id, task_type from changed) touched
        left join attempts a using (transaction_id, task_type)
        group by touched.transaction_id, touched.task_type
      ) counted
      where t.transaction_id = counted.transaction_id and t.task_type = counted.task_type
        and (t.own_attempts, t.own_invoiced) is distinct from (counted.attempts, counted.invoiced);
      return null;
    end $$`.execute(db);
  const events = { insert: 'new', update: 'new', delete: 'old' };
  for (const [event, rows] of Object.entries(events))
    await sql`
      create trigger ${sql.ref(`count_own_attempts_${event}`)} after ${sql.raw(event)} on attempts
      referencing ${sql.raw(rows)} table as changed
      for each statement execute function count_own_attempts()`.execute(db);
}

async function createObligations(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table obligations (
      transaction_id text collate "C" not null references transactions,
      kind text not null check (kind in ('result', 'documents', 'audit_report')),
      state text not null default 'due' check (state in ('due', 'done', 'failed')),
      basis text,
      generation integer not null default 1 check (generation >= 1),
      fence bigint not null default 0,
      due_at timestamptz not null default now(),
      sweep_at timestamptz,
      starts integer not null default 0 check (starts >= 0),
      attempts_made integer not null default 0 check (attempts_made >= 0),
      last_error_code text check (last_error_code ~ '^[a-z_]{1,60}$'),
      last_error_at timestamptz,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      primary key (transaction_id, kind),
      check ((state = 'due') = (sweep_at is not null)),
      check (state <> 'failed' or last_error_code is not null)
    )`.execute(db);
  await sql`create index obligations_sweep on obligations (sweep_at) where state = 'due'`.execute(db);
  await sql`create index obligations_due on obligations (kind, due_at) where state = 'due'`.execute(db);
  await sql`create index obligations_failed on obligations (kind, last_error_code) where state = 'failed'`.execute(db);
}

async function createFiles(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table files (
      transaction_id text collate "C" not null references transactions,
      kind text not null check (kind in ('document', 'audit_report')),
      origin text collate "C" not null check (origin ~ '^[A-Za-z0-9_.-]{1,80}$'),
      position integer not null check (position >= 0),
      category text,
      type text,
      name text,
      url_sha256 text check (url_sha256 ~ '^[0-9a-f]{64}$'),
      state text not null check (state in ('stored', 'gone', 'refused')),
      sha256 text check (sha256 ~ '^[0-9a-f]{64}$'),
      bytes bigint check (bytes > 0),
      media_type text,
      error_code text check (error_code ~ '^[a-z_]{1,60}$'),
      recorded_at timestamptz not null default now(),
      primary key (transaction_id, kind, origin, position),
      check ((state = 'stored') = (sha256 is not null and bytes is not null and media_type is not null)),
      check ((state = 'stored') = (error_code is null))
    )`.execute(db);
  await sql`create index files_sha256 on files (sha256) where sha256 is not null`.execute(db);
}

async function createReportRuns(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table report_runs (
      period text collate "C" primary key check (period ~ '^2[0-9]{3}-(0[1-9]|1[0-2])$'),
      generation integer not null default 1,
      due_at timestamptz,
      sweep_at timestamptz,
      requested_by text,
      finished_at timestamptz,
      last_failed_at timestamptz,
      manifest_sha256 text check (manifest_sha256 ~ '^[0-9a-f]{64}$'),
      last_error_code text check (last_error_code ~ '^[a-z_]{1,60}$'),
      check ((due_at is null) = (sweep_at is null))
    )`.execute(db);
  await sql`create index report_runs_sweep on report_runs (sweep_at) where sweep_at is not null`.execute(db);
}
