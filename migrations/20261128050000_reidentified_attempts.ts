import { type Kysely, sql } from 'kysely';

/**
 * Repairs attempts that shorter lists overwrote. Until now an attempt was the position of an entry in the latest list:
 * after a list that was shorter than the one before, an attempt was overwritten by the next one. History has what each
 * position held. If a time that was once listed belongs to none of a task's attempts any more, the task is rebuilt from
 * everything that was ever listed: its attempts are numbered in the order in which they became known, each with the
 * facts of its latest entry.
 *
 * Not repaired: if a list had two scans of the same second in another order, a decided scan kept its code and the one
 * in `processing` got the same code. The stored data cannot distinguish that from two scans with the same decision. The
 * vendor's counter shows the difference, and an answer that decides the second scan otherwise corrects it.
 *
 * The number of changed attempts is stored for `migrate` to report. Changes in closed months are corrected in the next
 * open month.
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
    const anew = (await writtenOf(db, tasks.slice(from, from + tasksAtOnce))).flatMap(rebuilt);
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

/** Everything that the positions of some tasks hold or have held. */
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
 * @returns the attempts that change. None if more attempts were ever listed than the vendor counts, or fewer than are
 *   stored now: then it is unclear which entries were the same attempt, and the task stays as it is.
 */
function rebuilt(rows: TaskRows): (Listed & Task)[] {
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
 * The attempts that were ever listed, in the order in which they became known. Each change of a position was an entry
 * of a list: either the attempt listed with that time before, or one whose time the vendor changed, or a new one.
 * Positions that changed together were entries of one list and therefore different attempts. The unchanged positions
 * before them were in that list as well, because a list has no gaps.
 *
 * @param counted the vendor's count of attempts. A time is only taken as changed if there would otherwise be more.
 */
function unionOf(rows: readonly Written[], counted: number): Listed[] {
  const known: Listed[] = [];
  /** The index in `known` of the attempt at each position. */
  const held = new Map<number, number>();
  for (const list of Map.groupBy(rows, ({ recorded_at: writtenAt }) => writtenAt.getTime()).values()) {
    const changed = new Set(list.map(({ ordinal }) => ordinal));
    const last = Math.max(...changed);
    const kept = [...held].filter(([position]) => !changed.has(position));
    const taken = new Set(kept.filter(([position]) => position < last).map(([, index]) => index));
    const free = (isSame: (one: Listed, index: number) => boolean): number =>
      known.findIndex((one, index) => !taken.has(index) && isSame(one, index));
    const found = list.map((row) => {
      const index = free((one) => one.at === row.at && one.capture_source === row.capture_source);
      taken.add(index);
      return index;
    });
    // What another position still holds was not changed: it was listed there or omitted.
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

/** The attempt whose time an entry changes: the one at its position, else another one with the same code and source. */
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
