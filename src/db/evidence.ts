import { evidenceColumns } from '../domain/reconciliation/columns.ts';
import type { CubeRow } from '../domain/reconciliation/cube.ts';
import type { FindingEvidence } from '../domain/reconciliation/findings.ts';
import { type CubeScope, slotOf } from './cube-attempts.ts';
import { literal } from './sql-text.ts';
import { csvQuery, type CsvQuery, utc, yesOrNo } from './report-files.ts';

/** A text of no column, so that rows without a value find each other. */
const none = 'chr(1)';
const isSame = (column: string): string => `coalesce(w.${column}, ${none}) = coalesce(a.${column}, ${none})`;

/** Which of a task's attempts is charged, a statement does not say where they were matched by count alone. */
const counted = `left join (select distinct transaction_id, task_type from usage_found where is_counted) counted
  on counted.transaction_id = a.transaction_id and counted.task_type = a.task_type`;
const noteOfStated = `case when w.attempts in ('charged_again', 'other_level') then w.attempts when a.is_elsewhere or a.charged_in is not null then 'other_month'
  when counted.transaction_id is not null then 'counted' else 'stated' end`;

/** A row of the cube by its columns. */
const columnsOf = (row: CubeRow) => ({
  task_type: row.taskType,
  level: row.level,
  code: row.code,
  invoiced: row.invoiced === null ? null : String(row.invoiced),
  counter: row.counter,
  linked: row.linked,
  failed: row.failed,
  abandoned: row.abandoned,
  late: row.late,
  by_attempt: row.slots.attempt,
  by_created: row.slots.created,
  by_completed: row.slots.completed,
  other_level: row.usage?.otherLevel ?? null,
  is_elsewhere: row.usage?.isElsewhere ?? false,
  charged_in: row.usage?.chargedIn?.period ?? null,
  is_near: row.usage?.chargedIn?.isNear ?? false,
});

/**
 * The evidence of a reconciliation: every attempt, or row of the usage statement, that a finding is about. Read in the
 * transaction that made the cube.
 */
export function evidenceQuery(scope: CubeScope, evidence: readonly FindingEvidence[]): CsvQuery {
  const ofAttempts = evidence.flatMap(({ finding, evidence: { of } }) => {
    if (of.attempts === 'unmatched') return [];
    return [{ finding, attempts: of.attempts, ...columnsOf(of.row) }];
  });
  const ofRows = evidence.flatMap(({ finding, evidence: { of, taskType, level } }) =>
    of.attempts === 'unmatched' ? [{ finding, kind: of.kind, task_type: taskType, level, slot: of.slot }] : [],
  );
  const hasStatement = scope.statement !== null;
  const unmatched = `
    union all
    select w.finding, a.transaction_id, a.task_type, a.attempt, a.attempted_at, a.outcome_code, a.own_invoiced, a.kind = 'unknown', null,
      case a.kind when 'credit' then 'credited' else 'not_in_books' end
    from usage_others a join jsonb_to_recordset(${literal(JSON.stringify(ofRows))}::jsonb) as w (finding text, kind text, task_type text, level text, slot integer)
      on w.kind = a.kind and w.task_type = a.task_type and ${isSame('level')} and w.slot = ${slotOf(scope)('a.attempted_at')}`;
  const source = `
    select w.finding, a.transaction_id, a.task_type, a.ordinal as attempt, a.attempted_at, a.code as outcome_code,
      a.invoiced as own_invoiced, ${hasStatement ? 'a.is_charged' : 'null::boolean'} as vendor_invoiced, a.counter,
      ${hasStatement ? noteOfStated : `'inferred'`} as note
    from cube_attempts a ${hasStatement ? counted : ''} join jsonb_to_recordset(${literal(JSON.stringify(ofAttempts))}::jsonb) as w (finding text, attempts text,
      task_type text, level text, code text, invoiced text, counter text, linked boolean, failed boolean, abandoned boolean,
      late text, by_attempt integer, by_created integer, by_completed integer, other_level text, is_elsewhere boolean, charged_in text, is_near boolean)
      on w.task_type = a.task_type and ${isSame('level')} and ${isSame('code')}
        and coalesce(w.invoiced, ${none}) = coalesce(a.invoiced::text, ${none}) and w.counter = a.counter
        and w.linked = a.linked and w.failed = a.failed and w.abandoned = a.abandoned and w.late = a.late
        and w.by_attempt = a.by_attempt and w.by_created = a.by_created and w.by_completed = a.by_completed
        and ${isSame('other_level')} and w.is_elsewhere = a.is_elsewhere
        and ${isSame('charged_in')} and w.is_near = a.is_near
    where case w.attempts when 'charged' then a.is_charged when 'other_level' then a.is_charged when 'not_charged' then not a.is_charged
      when 'charged_again' then a.is_charged and a.units > 1 else true end
    ${hasStatement ? unmatched : ''}`;
  return csvQuery(
    evidenceColumns,
    source,
    ['finding', 'transaction_id', 'task_type', 'attempt nulls first', 'attempted_at', 'note'],
    {
      period: literal(scope.period),
      finding: 'finding',
      transaction_id: 'transaction_id',
      task_type: 'task_type',
      attempt: 'attempt',
      attempted_at: utc('attempted_at'),
      outcome_code: 'outcome_code',
      own_invoiced: yesOrNo('own_invoiced'),
      vendor_invoiced: yesOrNo('vendor_invoiced'),
      counter: 'counter',
      note: 'note',
    },
  );
}
