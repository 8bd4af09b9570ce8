import { type LineScope, stretchOf } from './lines.ts';
import { instant, literal } from './sql-text.ts';

/** The columns of a disagreement with the vendor's counters. */
export const disagreementColumns = [
  'transaction_id',
  'task_type',
  'corrects_period',
  'reason',
  'own_quantity',
  'vendor_quantity',
] as const;
export const disagreementOrder = ['transaction_id', 'task_type', 'reason', 'corrects_period nulls first'];

/** Every way in which task `k` can disagree, and whether it does. */
const comparison = (attempts: string): string => `
  select 'attempt_count_differs' collate "C" as reason, k.own_attempts as own_quantity, k.vendor_attempts as vendor_quantity,
    k.vendor_attempts <> k.own_attempts as is_off
  union all
  select 'invoiced_count_differs' collate "C", k.own_invoiced, k.vendor_attempts_invoiced, k.vendor_attempts_invoiced <> k.own_invoiced
  union all
  select 'listed_twice' collate "C", k.own_attempts, k.own_attempts + k.listed_twice, k.listed_twice > 0
  union all
  select 'still_processing' collate "C", undecided.quantity, 0, undecided.quantity > 0 and t.settled
  from (select count(*)::integer as quantity from ${attempts} l where l.transaction_id = k.transaction_id
    and l.task_type = k.task_type and l.code = 'processing') undecided
  union all
  select 'scan_list_missing' collate "C", listed.quantity, greatest(k.vendor_attempts, k.own_attempts),
    k.scan_list_missing and listed.quantity < greatest(k.vendor_attempts, k.own_attempts)
  from (select count(*)::integer as quantity from ${attempts} l where l.transaction_id = k.transaction_id
    and l.task_type = k.task_type and l.evidence = 'scan_list') listed`;

/**
 * Whether a task may disagree, judged by its row alone, which rules out most tasks. The text must match the condition
 * of the index `tasks_in_disagreement`.
 */
export const mayDisagree = (task: string): string =>
  `coalesce(${task}.vendor_attempts <> ${task}.own_attempts or ${task}.vendor_attempts_invoiced <> ${task}.own_invoiced or ${task}.scan_list_missing or ${task}.listed_twice > 0, false)`;

/**
 * Disagreements of an open month: those of tasks whose last attempt is in the month, and those of tasks without
 * attempts that the vendor counts as invoiced, whose transaction is in the month.
 */
export function ordinaryDisagreements({ tables, stretches, end }: Omit<LineScope, 'cells'>): string {
  const within = (column: string) =>
    `${column} >= ${stretches[0] ? instant(stretches[0].start) : `'infinity'`} and ${column} < ${instant(end)}`;
  return `
    select k.transaction_id, k.task_type, null::text collate "C" as corrects_period, d.reason, d.own_quantity, d.vendor_quantity
    from (
      select a.transaction_id, a.task_type from ${tables.attempts} a
      join ${tables.tasks} k on k.transaction_id = a.transaction_id and k.task_type = a.task_type and k.own_attempts = a.ordinal
      where ${mayDisagree('k')} and ${within('a.attempted_at')}
      union
      select a.transaction_id, a.task_type from ${tables.attempts} undecided
      join ${tables.tasks} k on k.transaction_id = undecided.transaction_id and k.task_type = undecided.task_type
      join ${tables.attempts} a on a.transaction_id = k.transaction_id and a.task_type = k.task_type and a.ordinal = k.own_attempts
      where undecided.code = 'processing' and ${within('a.attempted_at')}
      union
      select k.transaction_id, k.task_type from ${tables.tasks} k join ${tables.transactions} t on t.id = k.transaction_id
      where k.own_attempts = 0 and k.vendor_attempts_invoiced > 0 and ${within('coalesce(t.completed_at, t.created_at)')}
    ) counted
    join ${tables.tasks} k on k.transaction_id = counted.transaction_id and k.task_type = counted.task_type
    join ${tables.transactions} t on t.id = k.transaction_id
    cross join lateral (${comparison(tables.attempts)}) d
    where d.is_off`;
}

/** Disagreements of a closed month, as they were booked. */
export const closedDisagreements = (period: string): string =>
  `select ${disagreementColumns.join(', ')} from closed_discrepancies where period = ${literal(period)}`;

/**
 * Disagreements below the horizon of closed months that differ from what was booked last: new ones, changed ones, and,
 * with equal quantities, those that no longer exist or have moved to another month.
 */
export function correctionDisagreements(scope: Omit<LineScope, 'cells'>, examined: string): string {
  const { tables, stretches, end } = scope;
  const periods = `(array[${stretches.map(({ period }) => literal(period)).join(', ')}])`;
  return `
    select transaction_id, task_type, correction.period as corrects_period, reason, own_quantity, correction.vendor_quantity
    from (
      select k.transaction_id, k.task_type, d.reason, coalesce(d.own_quantity, 0) as own_quantity, d.vendor_quantity,
        coalesce(d.is_off, false) and last.at < ${instant(end)} as is_off,
        ${periods}[${stretchOf('last.at', stretches)}] collate "C" as period
      from ${tables.tasks} k
      join ${tables.transactions} t on t.id = k.transaction_id
      cross join lateral (select coalesce(max(a.attempted_at), t.completed_at, t.created_at) as at from ${tables.attempts} a
        where a.transaction_id = k.transaction_id and a.task_type = k.task_type and a.ordinal = k.own_attempts) last
      cross join lateral (${comparison(tables.attempts)}) d
      where k.transaction_id in (${examined})
    ) now_
    left join lateral (
      select c.own_quantity as own, c.vendor_quantity as vendor, coalesce(c.corrects_period, c.period) as period
      from closed_discrepancies c
      where c.transaction_id = now_.transaction_id and c.task_type = now_.task_type and c.reason = now_.reason
        and c.period <= ${literal(stretches.at(-1)?.period ?? '')}
      order by c.period desc, c.own_quantity = c.vendor_quantity, c.corrects_period nulls first limit 1
    ) booked on true
    cross join lateral (
      select now_.period, now_.vendor_quantity
      where is_off and (now_.own_quantity, now_.vendor_quantity, now_.period) is distinct from (booked.own, booked.vendor, booked.period)
      union all
      select booked.period, now_.own_quantity
      where booked.own <> booked.vendor and (not is_off or booked.period <> now_.period)
    ) correction`;
}
