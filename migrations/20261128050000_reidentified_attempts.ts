import { type Kysely, sql } from 'kysely';

/**
 * Until now an attempt was the place of an entry in the latest list: where a list was shorter than one before, an attempt
 * became the next one, and its own place was lost. History has what each place held. Where a time that was listed once is
 * found at none of a task's attempts any more, the task is put together anew from what was ever listed: each attempt at
 * the place where it was first, and what was overwritten at the place where it is now as it is.
 *
 * Where a list had two scans of the same second in another order, a decided scan kept its code and the one that was
 * processing got it, too. What is stored cannot tell that from two scans that were both decided so: it stays, the vendor's
 * counter names it, and an answer that decides the second one otherwise puts it right.
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
  let changed = 0;
  let changedTasks = 0;
  for (let from = 0; from < tasks.length; from += tasksAtOnce) {
    const anew = (await writtenOf(db, tasks.slice(from, from + tasksAtOnce))).flatMap(putTogether);
    await store(db, anew);
    changed += anew.length;
    changedTasks += new Set(anew.map((one) => JSON.stringify([one.transaction_id, one.task_type]))).size;
  }
  await sql`
    insert into migration_notes (migration, note) values ('20261128050000_reidentified_attempts',
      ${`${changed} attempts of ${changedTasks} tasks were identified anew`})`.execute(db);
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
type TaskRows = readonly (Written & Task & { readonly counted: number | null })[];

const tasksAtOnce = 1_000;

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

/** All that the places of some tasks held and hold. */
async function writtenOf(db: Kysely<unknown>, tasks: readonly Task[]): Promise<TaskRows[]> {
  const columns = sql.raw(`transaction_id, task_type, ordinal, attempted_at::text as at, code, linked, capture_source,
    invoiced, reason, rule_table_version, recorded_at`);
  const { rows } = await sql<Written & Task & { counted: number | null }>`
    select written.*, k.vendor_attempts as counted from (
      select ${columns}, false as is_present from attempts_history where evidence = 'scan_list'
      union all select ${columns}, true from attempts where evidence = 'scan_list'
    ) written join tasks k using (transaction_id, task_type)
    where (transaction_id, task_type) in (
      select * from unnest(${tasks.map((task) => task.transaction_id)}::text[], ${tasks.map((task) => task.task_type)}::text[]))
    order by transaction_id, task_type, written.recorded_at, ordinal`.execute(db);
  return [...Map.groupBy(rows, (row) => JSON.stringify([row.transaction_id, row.task_type])).values()];
}

/**
 * @returns the attempts that are other ones than before. None where what was ever listed is more than the vendor counts,
 * or less than there is now: then it cannot be told which entries were the same, and what is there is what is known.
 */
function putTogether(rows: TaskRows): (Listed & Task)[] {
  const [task] = rows;
  const before = new Map(rows.filter((row) => row.is_present).map((row) => [row.ordinal, row]));
  const known = unionOf(rows, task?.counted ?? Infinity);
  if (!task || known.length > (task.counted ?? Infinity) || known.length < before.size) return [];
  return known
    .map((one, index) => ({ ...one, ...idOf(task), ordinal: index + 1 }))
    .filter((one) => textOf(one) !== textOf(before.get(one.ordinal)));
}

const idOf = ({ transaction_id: id, task_type: type }: Task): Task => ({ transaction_id: id, task_type: type });

async function store(db: Kysely<unknown>, attempts: readonly (Listed & Task)[]): Promise<void> {
  await sql`
    insert into attempts as a (transaction_id, task_type, ordinal, attempted_at, time_basis, evidence, code, linked,
      capture_source, invoiced, reason, rule_table_version)
    select transaction_id, task_type, ordinal, at, 'scan_created', 'scan_list', code, linked, capture_source, invoiced,
      reason, rule_table_version
    from jsonb_to_recordset(${JSON.stringify(attempts)}::jsonb) as j (transaction_id text, task_type text, ordinal integer,
      at timestamptz, code text, linked boolean, capture_source text, invoiced boolean, reason text, rule_table_version text)
    on conflict (transaction_id, task_type, ordinal) do update set attempted_at = excluded.attempted_at,
      time_basis = excluded.time_basis, evidence = excluded.evidence, code = excluded.code, linked = excluded.linked,
      capture_source = excluded.capture_source, invoiced = excluded.invoiced, reason = excluded.reason,
      rule_table_version = excluded.rule_table_version`.execute(db);
}

/**
 * The attempts that were ever listed, in the order in which they became known. Each change of a place was an entry of a
 * list: the attempt that was listed at that time already, else one whose time the vendor changed, else one that nobody
 * knew of. Places that changed together were entries of one list, and attempts of their own; so were those before them
 * that did not change, for a list has no holes.
 *
 * @param counted how many attempts the vendor counts: a time was changed only where there would be more.
 */
function unionOf(rows: readonly Written[], counted: number): Listed[] {
  const known: Listed[] = [];
  /** Which of the known attempts each place holds. */
  const held = new Map<number, number>();
  for (const list of Map.groupBy(rows, ({ recorded_at: writtenAt }) => writtenAt.getTime()).values()) {
    const changed = new Set(list.map(({ ordinal }) => ordinal));
    const last = Math.max(...changed);
    const kept = [...held].filter(([place]) => !changed.has(place));
    const taken = new Set(kept.filter(([place]) => place < last).map(([, index]) => index));
    const free = (isSame: (one: Listed, index: number) => boolean): number =>
      known.findIndex((one, index) => !taken.has(index) && isSame(one, index));
    const found = list.map((row) => {
      const index = free((one) => one.at === row.at && one.capture_source === row.capture_source);
      taken.add(index);
      return index;
    });
    // What another place still holds was not changed: it was listed there, or left out.
    for (const [, index] of kept) taken.add(index);
    for (const [entry, row] of list.entries()) {
      let index = found[entry] ?? -1;
      if (index < 0 && known.length >= counted) index = redated(row, held.get(row.ordinal), free);
      if (index < 0) index = known.push(row) - 1;
      else if (row.code !== 'processing') known[index] = row;
      taken.add(index);
      held.set(row.ordinal, index);
    }
  }
  return known;
}

/** The attempt that an entry is at another time: the one whose place it took, else another of the same code and source. */
function redated(
  row: Listed,
  replaced: number | undefined,
  free: (isSame: (one: Listed, index: number) => boolean) => number,
): number {
  const isAlike = ({ code, capture_source: source }: Listed) =>
    source === row.capture_source && (code === row.code || code === 'processing');
  const inPlace = free((one, index) => index === replaced && isAlike(one));
  return inPlace < 0 ? free(isAlike) : inPlace;
}

const textOf = (one: Listed | undefined): string =>
  JSON.stringify(
    one && [one.at, one.code, one.linked, one.capture_source, one.invoiced, one.reason, one.rule_table_version],
  );
