import { type Kysely, sql } from 'kysely';

/**
 * Until now an attempt was the place of an entry in the latest list: where a list was shorter than one before, an attempt
 * became the next one, and its own place was lost. History has what each place held. Where a time that was listed once is
 * found at none of a task's attempts any more, the task is put together anew from what was ever listed: each attempt at
 * the place where it was first, and what was overwritten at the place where it is now as it is.
 *
 * How many attempts that changed is kept, and said by `migrate`. What lies in closed months is corrected in the next open
 * one.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table migration_notes (
      migration text primary key,
      note text not null,
      noted_at timestamptz not null default now()
    )`.execute(db);
  const tasks = await disturbedTasks(db);
  let attempts = 0;
  for (const task of tasks) attempts += await putTogether(db, task);
  await sql`
    insert into migration_notes (migration, note) values ('20261128050000_reidentified_attempts',
      ${`${attempts} attempts of ${tasks.length} tasks were identified anew`})`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table migration_notes`.execute(db);
}

type Task = { readonly transaction_id: string; readonly task_type: string };
type Listed = {
  readonly ordinal: number;
  readonly at: string;
  readonly code: string | null;
  readonly linked: boolean | null;
  readonly capture_source: string | null;
  readonly invoiced: boolean | null;
  readonly reason: string;
  readonly rule_table_version: string | null;
};

type Written = Listed & { readonly recorded_at: Date; readonly is_present: boolean };

const sameTask = (one: string, other: string) =>
  sql.raw(`${one}.transaction_id = ${other}.transaction_id and ${one}.task_type = ${other}.task_type`);

async function disturbedTasks(db: Kysely<unknown>): Promise<Task[]> {
  const { rows } = await sql<Task>`
    select distinct h.transaction_id, h.task_type from attempts_history h
    where h.evidence = 'scan_list'
      and exists (select from attempts a where ${sameTask('a', 'h')} and a.ordinal = h.ordinal and a.attempted_at <> h.attempted_at)
      and not exists (select from attempts a where ${sameTask('a', 'h')} and a.attempted_at = h.attempted_at)
    order by 1, 2`.execute(db);
  return rows;
}

/** @returns how many attempts are other ones than before. */
async function putTogether(db: Kysely<unknown>, { transaction_id: id, task_type: type }: Task): Promise<number> {
  const columns = sql.raw(
    'ordinal, attempted_at::text as at, code, linked, capture_source, invoiced, reason, rule_table_version',
  );
  const { rows } = await sql<Written>`
    select ${columns}, recorded_at, false as is_present from attempts_history
    where transaction_id = ${id} and task_type = ${type} and evidence = 'scan_list'
    union all
    select ${columns}, recorded_at, true from attempts where transaction_id = ${id} and task_type = ${type} and evidence = 'scan_list'
    order by recorded_at, ordinal`.execute(db);
  const before = new Map(rows.filter((row) => row.is_present).map((row) => [row.ordinal, row]));
  const known = unionOf(rows);
  let changed = 0;
  for (const [index, one] of known.entries()) {
    const ordinal = index + 1;
    const present = before.get(ordinal);
    if (present && textOf(present) === textOf(one)) continue;
    changed += 1;
    await sql`
      insert into attempts as a (transaction_id, task_type, ordinal, attempted_at, time_basis, evidence, code, linked,
        capture_source, invoiced, reason, rule_table_version)
      values (${id}, ${type}, ${ordinal}, ${one.at}::timestamptz, 'scan_created', 'scan_list', ${one.code}, ${one.linked},
        ${one.capture_source}, ${one.invoiced}, ${one.reason}, ${one.rule_table_version})
      on conflict (transaction_id, task_type, ordinal) do update set attempted_at = excluded.attempted_at,
        time_basis = excluded.time_basis, evidence = excluded.evidence, code = excluded.code, linked = excluded.linked,
        capture_source = excluded.capture_source, invoiced = excluded.invoiced, reason = excluded.reason,
        rule_table_version = excluded.rule_table_version`.execute(db);
  }
  return changed;
}

/**
 * The attempts that were ever listed, in the order in which they became known. Each change of a place was an entry of a
 * list: the attempt that was listed at that time already, else one that nobody knew of. Places that changed together were
 * entries of one list, and attempts of their own.
 */
function unionOf(rows: readonly Written[]): Listed[] {
  const known: Listed[] = [];
  for (const list of Map.groupBy(rows, ({ recorded_at: writtenAt }) => writtenAt.getTime()).values()) {
    const left = [...known];
    for (const row of list) {
      const same = left.findIndex((one) => one.at === row.at && one.capture_source === row.capture_source);
      const [one] = same < 0 ? [] : left.splice(same, 1);
      if (!one) known.push(row);
      else if (row.code !== 'processing') known[known.indexOf(one)] = row;
    }
  }
  return known;
}

const textOf = ({
  at,
  code,
  linked,
  capture_source: source,
  invoiced,
  reason,
  rule_table_version: version,
}: Listed): string => JSON.stringify([at, code, linked, source, invoiced, reason, version]);
