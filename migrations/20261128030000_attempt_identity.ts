import { type Kysely, sql } from 'kysely';

/**
 * Attempts keep their identity:
 * - An answer is merged with what is known, and only stored if nothing else was stored since (`revision`).
 * - `listed_twice` counts the entries that a task's last list repeats beyond what the vendor counts. It is part of
 *   earlier states, of late changes and of disagreements.
 * - Scans that the vendor never decided can be looked up.
 * - Settled transactions are fetched once more before their month is closed. `settled_rechecks` has the progress.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of ['tasks', 'tasks_history'])
    await sql`
      alter table ${sql.ref(table)} add column listed_twice integer not null default 0 check (listed_twice >= 0)`.execute(
      db,
    );
  await sql`alter table transactions add column revision bigint not null default 0`.execute(db);
  await keepTasks(db, [...formerColumns, 'listed_twice']);
  await noteLateTasks(db, [...formerCompared, 'listed_twice']);
  await findDisagreements(db, `${formerDisagreement} or listed_twice > 0`);
  await sql`create index attempts_processing on attempts (transaction_id) where code = 'processing'`.execute(db);
  await sql`create index transactions_created_at on transactions (created_at, id) where settled`.execute(db);
  await sql`
    create table settled_rechecks (
      period text collate "C" primary key check (period ~ '^2[0-9]{3}-(0[1-9]|1[0-2])$'),
      last_created_at timestamptz,
      last_id text collate "C",
      begun_at timestamptz not null default now(),
      ended_at timestamptz
    )`.execute(db);
  await passOverEndedMonths(db);
}

/**
 * Exempts months that have already ended, in any time zone, from the additional fetch. It would fetch them all at once.
 */
async function passOverEndedMonths(db: Kysely<unknown>): Promise<void> {
  await sql`
    insert into settled_rechecks (period, ended_at)
    select to_char(month, 'YYYY-MM'), now() from generate_series(
      (select date_trunc('month', (min(attempted_at) - interval '14 hours') at time zone 'UTC') from attempts),
      date_trunc('month', (now() - interval '14 hours') at time zone 'UTC') - interval '1 month',
      interval '1 month') month
    where month >= '2000-01-01'`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table settled_rechecks`.execute(db);
  await sql`drop index attempts_processing, transactions_created_at`.execute(db);
  await findDisagreements(db, formerDisagreement);
  await noteLateTasks(db, formerCompared);
  await keepTasks(db, formerColumns);
  await sql`alter table transactions drop column revision`.execute(db);
  for (const table of ['tasks_history', 'tasks'])
    await sql`alter table ${sql.ref(table)} drop column listed_twice`.execute(db);
}

const formerColumns = ['level', 'vendor_attempts', 'vendor_attempts_invoiced', 'scan_list_missing'];
const formerCompared = [...formerColumns, 'own_attempts', 'own_invoiced'];
const formerDisagreement =
  'vendor_attempts <> own_attempts or vendor_attempts_invoiced <> own_invoiced or scan_list_missing';

/** Replaces only the body of a function, so that its settings stay. */
async function replaceBody(db: Kysely<unknown>, name: string, change: (body: string) => string): Promise<void> {
  const { rows } = await sql<{ definition: string; body: string }>`
    select pg_get_functiondef(p.oid) as definition, p.prosrc as body from pg_proc p
    where p.proname = ${name} and p.pronamespace = (select oid from pg_namespace where nspname = current_schema())`.execute(
    db,
  );
  const [found] = rows;
  if (!found) throw new Error(`${name}() is missing`);
  const changed = change(found.body);
  if (changed === found.body) throw new Error(`${name}() is not as it was made`);
  await sql.raw(found.definition.replace(found.body, () => changed)).execute(db);
}

async function keepTasks(db: Kysely<unknown>, columns: readonly string[]): Promise<void> {
  const names = ['transaction_id', 'task_type', ...columns];
  const pairs = (alias: string) => columns.map((column) => `${alias}.${column}`).join(', ');
  const before = names.map((name) => `b.${name}`).join(', ');
  await sql`drop trigger note_recorded_at on tasks`.execute(db);
  await sql`
    create trigger note_recorded_at before update on tasks for each row
    when ((${sql.raw(pairs('old'))}) is distinct from (${sql.raw(pairs('new'))}))
    execute function note_recorded_at()`.execute(db);
  await replaceBody(db, 'keep_tasks', (body) =>
    body
      .replaceAll(
        /insert into tasks_history \([^)]*\)/g,
        `insert into tasks_history (${names.join(', ')}, recorded_at, replaced_at)`,
      )
      .replaceAll(/select b\.transaction_id.*?, b\.recorded_at,/g, `select ${before}, b.recorded_at,`),
  );
}

async function noteLateTasks(db: Kysely<unknown>, columns: readonly string[]): Promise<void> {
  const row = (alias: string) => `(${columns.map((column) => `${alias}.${column}`).join(', ')})`;
  await replaceBody(db, 'note_late_changes', (body) =>
    body.replace(
      /\(c\.level[^)]*\)(\s+is distinct from\s+)\(b\.level[^)]*\)/,
      (_, between: string) => `${row('c')}${between}${row('b')}`,
    ),
  );
}

async function findDisagreements(db: Kysely<unknown>, disagreement: string): Promise<void> {
  const said = sql.raw(`coalesce(${disagreement}, false)`);
  await sql`drop statistics tasks_in_disagreement`.execute(db);
  await sql`drop index tasks_in_disagreement`.execute(db);
  await sql`create index tasks_in_disagreement on tasks (transaction_id, task_type) where ${said}`.execute(db);
  await sql`create statistics tasks_in_disagreement on (${said}) from tasks`.execute(db);
}
