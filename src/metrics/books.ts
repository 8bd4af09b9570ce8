import { Gauge, Registry } from 'prom-client';
import { type Figures, readFigures } from '../db/figures.ts';
import { obligationKinds, type ObligationState } from '../db/schema.ts';
import { monthBounds, periodOf, previousPeriod } from '../domain/billing-month.ts';
import { type Context, isStoreWanted } from '../jobs/context.ts';

const states: readonly ObligationState[] = ['due', 'done', 'failed', 'withdrawn'];

/**
 * The state of the books, read from Postgres for each request. Only the service shows it: several worker processes
 * would each show the same figures.
 *
 * @returns text in the exposition format. @throws what Postgres throws.
 */
export async function renderBookMetrics(context: Context): Promise<string> {
  const { billingTimeZone } = context.config;
  const period = periodOf(context.now(), billingTimeZone);
  const { start } = monthBounds(period, billingTimeZone);
  const figures = await readFigures(context.db.kysely, start, previousPeriod(period));
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const obligations = gauge('idscan_obligations', 'Obligations by kind and state.', ['kind', 'state']);
  for (const kind of obligationKinds) for (const state of states) obligations.set({ kind, state }, 0);
  for (const { kind, state, count } of figures.obligations) obligations.set({ kind, state }, count);
  const oldest = gauge('idscan_oldest_due_age_seconds', 'How long the oldest obligation has been due.', ['kind']);
  for (const kind of obligationKinds) oldest.set({ kind }, 0);
  for (const { kind, ageSeconds } of figures.oldestDue) oldest.set({ kind }, ageSeconds);
  const attempts = gauge('idscan_attempts_month_to_date', 'Attempts of the current month, by task type and outcome.', [
    'task_type',
    'outcome',
  ]);
  for (const { taskType, outcome, count } of figures.attempts) attempts.set({ task_type: taskType, outcome }, count);
  gauge('idscan_unclassified_attempts', 'Attempts that no rule covers.').set(figures.unclassified);
  gauge('idscan_counter_mismatches', 'Tasks whose invoiced count differs from the vendor’s counter.').set(
    figures.counterMismatches,
  );
  gauge('idscan_workers_alive', 'Worker processes heard of within 30 s.').set(figures.workersAlive);
  gauge('idscan_workers_without_store', 'Living worker processes that cannot use their document store.').set(
    figures.workersWithoutStore,
  );
  const files = gauge('idscan_files', 'Files lost or damaged since they were stored, as last verified.', [
    'kind',
    'state',
  ]);
  for (const kind of ['document', 'audit_report'])
    for (const state of ['lost', 'damaged']) files.set({ kind, state }, 0);
  for (const { kind, state, count } of figures.filesAmiss) files.set({ kind, state }, count);
  addCustody(gauge, figures, context.now());
  addRetention(gauge, figures, context.config.custody.retentionDays);
  gauge('idscan_missing_result_ids', 'Completed transactions whose files wait for their result ID to be enqueued.').set(
    isStoreWanted(context.config) ? figures.missingResultIds : 0,
  );
  const reports = gauge('idscan_report_age_seconds', 'How long ago a month’s report was written.', ['period']);
  for (const one of figures.reports) reports.set({ period: one.period }, one.ageSeconds);
  const { findings } = figures;
  const byCurrency = (name: string, help: string, value: (of: Figures['findings'][number]) => number) => {
    const one = gauge(name, help, ['currency']);
    for (const of of findings) one.set({ currency: of.currency }, value(of));
  };
  byCurrency(
    'idscan_open_findings',
    'Differences with the vendor’s invoices that are neither accepted nor settled.',
    ({ open }) => open,
  );
  byCurrency(
    'idscan_disputed_amount',
    'What is disputed and not settled, net, as the letters ask for it.',
    ({ disputed }) => disputed,
  );
  byCurrency(
    'idscan_oldest_open_finding_age_seconds',
    'How long ago the oldest open finding was found; 0: there is none.',
    ({ ageSeconds }) => ageSeconds,
  );
  return registry.metrics();
}

type MakeGauge = (name: string, help: string, labelNames?: string[]) => Gauge;

/** What waits for custody, and for somebody to look after it. */
function addCustody(gauge: MakeGauge, { custody, possiblyCreated }: Figures, now: Date): void {
  const erasures = gauge('idscan_erasures', 'Transactions whose documents are to be erased, or were.', ['state']);
  erasures.set({ state: 'closed' }, custody.closed - custody.held);
  erasures.set({ state: 'held' }, custody.held);
  erasures.set({ state: 'destroyed' }, custody.destroyed);
  gauge('idscan_overdue_erasure_seconds', 'How long the oldest erasure that nobody holds has been due.').set(
    custody.nextDestroyAt === null ? 0 : Math.max(0, (now.getTime() - custody.nextDestroyAt.getTime()) / 1_000),
  );
  gauge('idscan_possibly_created', 'Creations whose answer never came and that nobody has looked after.').set(
    possiblyCreated,
  );
  gauge('idscan_files_in_clear', 'Files of an earlier version that are not yet encrypted.').set(custody.clear);
}

/** Of the kinds of files that are kept for a time. */
function addRetention(
  gauge: MakeGauge,
  { retention }: Figures,
  days: Context['config']['custody']['retentionDays'],
): void {
  const destroyed = gauge('idscan_retention_destroyed_files', 'Files that retention destroyed.', ['kind']);
  const left = gauge(
    'idscan_retention_left',
    'Transactions whose files retention found overdue in its last look through all, and could not destroy.',
    ['kind'],
  );
  const age = gauge(
    'idscan_retention_age_seconds',
    'How long ago retention had last looked through all; until it has, how long it has been at it.',
    ['kind'],
  );
  for (const kind of ['document', 'audit_report'] as const) {
    if (days[kind] === undefined) continue;
    const round = retention.find((one) => one.kind === kind);
    destroyed.set({ kind }, round?.destroyed ?? 0);
    left.set({ kind }, round?.left ?? 0);
    age.set({ kind }, round?.ageSeconds ?? 0);
  }
}
