import { attemptColumns, keyColumns } from './lines.ts';
import { literal } from './sql-text.ts';

/** What is said of the task and the transaction as they are now, where these are still known. */
const now: Partial<Record<(typeof attemptColumns)[number], string>> = {
  result_id: 't.result_id',
  transaction_state: 't.state',
  settled: 't.settled',
  vendor_attempts: 'k.vendor_attempts',
  vendor_attempts_invoiced: 'k.vendor_attempts_invoiced',
  counter_status: `case when k.vendor_attempts_invoiced is null then 'absent'
    when k.vendor_attempts_invoiced = k.own_invoiced then 'match' else 'mismatch' end`,
};

/**
 * The lines of a closed month with every correction of it: of each attempt the line that was booked last, or none where
 * that one only takes back. Lines that cancel each other out do not appear.
 *
 * @param pending a query of lines that are still to be booked, with the columns of `src/db/lines.ts`; `null` = there are none.
 */
export function restatedLines(period: string, pending: string | null): string {
  const columns = attemptColumns.join(', ');
  const parts = [
    `select period as booked_in, quantity, ${columns} from closed_lines where period = ${literal(period)} and corrects_period is null`,
    `select period, quantity, ${columns} from closed_lines where corrects_period = ${literal(period)}`,
  ];
  // Sorts behind every month that is closed.
  if (pending !== null)
    parts.push(
      `select 'pending', quantity, ${columns} from (${pending}) line where corrects_period = ${literal(period)}`,
    );
  const key = keyColumns.join(', ');
  const values = attemptColumns.map((column) =>
    column in now
      ? `case when k.transaction_id is null then latest.${column} else ${now[column] ?? ''} end as ${column}`
      : `latest.${column}`,
  );
  return `
    select 1 as quantity, null::text collate "C" as corrects_period, ${values.join(', ')} from (
      select distinct on (${key}) * from (${parts.join(' union all ')}) booked
      order by ${key}, booked_in collate "C" desc, quantity desc
    ) latest
    left join tasks k on k.transaction_id = latest.transaction_id and k.task_type = latest.task_type
    left join transactions t on t.id = latest.transaction_id
    where latest.quantity = 1`;
}
