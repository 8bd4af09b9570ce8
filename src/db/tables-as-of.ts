import { instant } from './sql-text.ts';

/** The tables that lines are made from. For an earlier state they are subqueries. */
export type Tables = { readonly attempts: string; readonly tasks: string; readonly transactions: string };
export const currentTables: Tables = { attempts: 'attempts', tasks: 'tasks', transactions: 'transactions' };

/** The tables as they were at an instant. The writes of a Postgres transaction appear together, as of its beginning. */
export function tablesAsOf(at: Date): Tables {
  const then = (table: string, columns: string) => `
    select ${columns} from ${table} where recorded_at <= ${instant(at)}
    union all
    select ${columns} from ${table}_history where recorded_at <= ${instant(at)} and replaced_at > ${instant(at)}`;
  const attempts = `(${then('attempts', 'transaction_id, task_type, ordinal, attempted_at, evidence, code, linked, capture_source, invoiced, reason, rule_table_version')})`;
  const tasks = `(
    select task.*, coalesce(counted.attempts, 0) as own_attempts, coalesce(counted.invoiced, 0) as own_invoiced
    from (${then('tasks', 'transaction_id, task_type, level, vendor_attempts, vendor_attempts_invoiced, scan_list_missing, listed_twice')}) task
    left join (select transaction_id, task_type, count(*)::integer as attempts, (count(*) filter (where invoiced))::integer as invoiced
      from ${attempts} attempt group by transaction_id, task_type) counted
      on counted.transaction_id = task.transaction_id and counted.task_type = task.task_type)`;
  const transactions = `(${then('transactions', 'id, result_id, state, created_at, expires_at, completed_at, settled, registered_at')})`;
  return { attempts, tasks, transactions };
}
