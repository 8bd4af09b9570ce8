import { type Kysely, sql } from 'kysely';

/**
 * A session plans a trigger's statements on first use, perhaps while a table is empty or for a single row, and keeps
 * that plan when a million rows have come. So these settings fix the kind of plan: counting attempts looks up those of
 * the touched tasks instead of reading all, and keeping earlier rows joins two lists of the same rows by hash instead
 * of by nested loop. A function's settings also apply to the triggers that it fires, so each function sets all of them.
 *
 * Late changes of tasks need both a hash join and a look-up, so that statement is planned anew each time.
 */
const switches = ['enable_seqscan', 'enable_nestloop', 'enable_hashjoin', 'enable_mergejoin'] as const;
const switchedOff: Record<string, readonly (typeof switches)[number][]> = {
  count_own_attempts: ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'],
  keep_attempts: ['enable_nestloop'],
  keep_tasks: ['enable_nestloop'],
  keep_transactions: ['enable_nestloop'],
  note_late_changes: [],
  note_late_transaction: [],
};

export async function up(db: Kysely<unknown>): Promise<void> {
  await noteLateChanges(db, (statement) => `execute '${statement.replaceAll('horizon', '$1')}' using horizon`);
  for (const [name, off] of Object.entries(switchedOff))
    for (const one of switches) {
      const value = sql.raw(off.includes(one) ? 'off' : 'on');
      await sql`alter function ${sql.ref(name)}() set ${sql.ref(one)} = ${value}`.execute(db);
    }
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const name of Object.keys(switchedOff))
    for (const one of switches) await sql`alter function ${sql.ref(name)}() reset ${sql.ref(one)}`.execute(db);
  await noteLateChanges(db, (statement) => statement);
}

const changedTasks = `
  insert into late_changes (transaction_id)
  select distinct c.transaction_id from changed c join before b using (transaction_id, task_type)
    join transactions t on t.id = c.transaction_id
  where t.created_at < horizon
    and (c.level, c.vendor_attempts, c.vendor_attempts_invoiced, c.scan_list_missing, c.own_attempts, c.own_invoiced)
      is distinct from
      (b.level, b.vendor_attempts, b.vendor_attempts_invoiced, b.scan_list_missing, b.own_attempts, b.own_invoiced)`;

async function noteLateChanges(db: Kysely<unknown>, run: (statement: string) => string): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(db);
  await sql`
    create or replace function note_late_changes() returns trigger language plpgsql
      set search_path = ${sql.ref(rows[0]?.schema ?? 'public')}, pg_temp as $$
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
          if not exists (select from changed) then return null; end if;
          ${sql.raw(run(changedTasks))};
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
}
