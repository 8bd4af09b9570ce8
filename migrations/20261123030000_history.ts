import { type Kysely, sql } from 'kysely';

/** The columns that reports are made from, and the key, per table. */
const tables = {
  attempts: {
    key: ['transaction_id', 'task_type', 'ordinal'],
    columns: [
      'attempted_at',
      'time_basis',
      'evidence',
      'code',
      'linked',
      'capture_source',
      'invoiced',
      'reason',
      'rule_table_version',
    ],
    index: 'attempted_at',
  },
  tasks: {
    key: ['transaction_id', 'task_type'],
    columns: ['level', 'vendor_attempts', 'vendor_attempts_invoiced', 'scan_list_missing'],
    index: 'transaction_id',
  },
  transactions: {
    key: ['id'],
    columns: ['result_id', 'state', 'created_at', 'expires_at', 'completed_at', 'settled', 'registered_at'],
    index: 'id',
  },
} as const;

/**
 * Earlier states, so that a report can be written as of any instant. Each row of attempts, tasks and transactions has
 * the time since which it is valid, and every replaced row is kept with the time of its replacement.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function note_recorded_at() returns trigger language plpgsql as $$
    begin
      new.recorded_at := greatest(now(), old.recorded_at);
      return new;
    end $$`.execute(db);
  for (const [table, { key, columns, index }] of Object.entries(tables)) {
    const history = `${table}_history`;
    const names = [...key, ...columns];
    const pairs = (alias: string) => columns.map((column) => `${alias}.${column}`).join(', ');
    await sql`alter table ${sql.ref(table)} add column recorded_at timestamptz not null default now()`.execute(db);
    await sql`
      create table ${sql.ref(history)} as
      select ${sql.raw(names.join(', '))}, recorded_at, recorded_at as replaced_at from ${sql.ref(table)} with no data`.execute(
      db,
    );
    await sql`alter table ${sql.ref(history)} add check (replaced_at > recorded_at)`.execute(db);
    await sql`create index ${sql.ref(`${history}_${index}`)} on ${sql.ref(history)} (${sql.ref(index)})`.execute(db);
    await sql`
      create trigger note_recorded_at before update on ${sql.ref(table)} for each row
      when ((${sql.raw(pairs('old'))}) is distinct from (${sql.raw(pairs('new'))}))
      execute function note_recorded_at()`.execute(db);
    const same = key.map((column) => `b.${column} = c.${column}`).join(' and ');
    const before = names.map((name) => `b.${name}`).join(', ');
    await sql`
      create function ${sql.ref(`keep_${table}`)}() returns trigger language plpgsql as $$
      begin
        if TG_OP = 'DELETE' then
          insert into ${sql.raw(history)} (${sql.raw(names.join(', '))}, recorded_at, replaced_at)
          select ${sql.raw(before)}, b.recorded_at, now() from before b where b.recorded_at < now();
        else
          insert into ${sql.raw(history)} (${sql.raw(names.join(', '))}, recorded_at, replaced_at)
          select ${sql.raw(before)}, b.recorded_at, c.recorded_at from before b join changed c on ${sql.raw(same)}
          where b.recorded_at < c.recorded_at;
        end if;
        return null;
      end $$`.execute(db);
    await sql`
      create trigger keep_updated after update on ${sql.ref(table)} referencing old table as before new table as changed
      for each statement execute function ${sql.ref(`keep_${table}`)}()`.execute(db);
    await sql`
      create trigger keep_deleted after delete on ${sql.ref(table)} referencing old table as before
      for each statement execute function ${sql.ref(`keep_${table}`)}()`.execute(db);
  }
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of Object.keys(tables)) {
    await sql`drop trigger note_recorded_at on ${sql.ref(table)}`.execute(db);
    await sql`drop trigger keep_updated on ${sql.ref(table)}`.execute(db);
    await sql`drop trigger keep_deleted on ${sql.ref(table)}`.execute(db);
    await sql`drop function ${sql.ref(`keep_${table}`)}()`.execute(db);
    await sql`drop table ${sql.ref(`${table}_history`)}`.execute(db);
    await sql`alter table ${sql.ref(table)} drop column recorded_at`.execute(db);
  }
  await sql`drop function note_recorded_at()`.execute(db);
}
