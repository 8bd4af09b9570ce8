import type { FastifyInstance, FastifyRequest } from 'fastify';
import { goneDecisions, lastFindingIds } from '../../db/gone-decisions.ts';
import { withdrawnFiles } from '../../db/vendor-file-withdrawals.ts';
import { isPeriod } from '../../domain/billing-month.ts';
import { noFinding } from '../../jobs/attempts/finding-attempts.ts';
import { knownMonths } from '../../jobs/month/months.ts';
import { firstEvidence } from '../../jobs/reconcile/published-evidence.ts';
import { publishedMonth } from '../../jobs/reconcile/published-month.ts';
import { countingFiles } from '../../jobs/reconcile/withdraw-file.ts';
import { disputeFiles, reconciliationFiles } from '../../reports/dispute/published-files.ts';
import type { Accessed } from '../access-log.ts';
import type { Guard } from '../access/guard.ts';
import type { Principal, ServiceContext } from '../context.ts';
import { invoicePage } from '../pages/invoice.ts';
import type { ShownProblem } from '../pages/invoice-parts.ts';
import { findingPage, maxEvidence } from '../pages/invoice-finding.ts';
import { sendPage } from '../pages/send.ts';
import { asProblem, problemOf } from '../problem.ts';
import { knownMonth, principalOf, readers } from './reports.ts';

export type MonthRoute = { Params: { period: string } };
export type FindingRoute = { Params: { period: string; finding: string } };

/** The roles that give invoices and decide on findings: it is their money. */
export const deciders = ['finance'] as const;
const mayDecide = ({ roles }: Principal): boolean => deciders.some((role) => roles.includes(role));

/** `/reports/<month>/invoice`: the vendor's invoice against the books, and each finding with its evidence. */
export function addInvoicePages(server: FastifyInstance, context: ServiceContext, guard: Guard): void {
  const onRequest = guard(readers, 'bearer or session');
  const { config } = context;

  server.get<MonthRoute>('/reports/:period/invoice', { onRequest }, async (request, reply) => {
    const { period } = knownMonth(await knownMonths(context), request.params.period);
    const read = await publishedMonth(context, period).then(
      (month) => ({ month, problem: undefined }),
      (error: unknown) => ({ month: undefined, problem: changedFiles(error, request.id) }),
    );
    const principal = principalOf(request);
    const files = (await reconciliationFiles(context.reports, period))?.files ?? [];
    const dispute = await disputeFiles(context.reports, period);
    const kept = await countingFiles(context.db.kysely, period);
    const withdrawn = await withdrawnFiles(context.db.kysely, period);
    const found = await lastFindingIds(context.db.kysely, period);
    const gone = await goneDecisions(context.db.kysely, period, found);
    const given = { kept, withdrawn, gone, timeZone: config.billingTimeZone };
    const page = { ...read, ...given, period, files, dispute, mayDecide: mayDecide(principal) };
    sendPage(reply, invoicePage(principal, page));
    return reply;
  });

  const options = { onRequest, config: { accessed } };
  server.get<FindingRoute>('/reports/:period/invoice/findings/:finding', options, async (request, reply) => {
    const { period } = knownMonth(await knownMonths(context), request.params.period);
    const month = await publishedMonth(context, period);
    const finding = month?.findings.find(({ id }) => id === request.params.finding);
    if (!month || !finding) throw noFinding(period);
    const principal = principalOf(request);
    const evidence = await firstEvidence(context, period, month, finding, maxEvidence);
    const timeZone = config.billingTimeZone;
    const shown = { period, month, finding, evidence, timeZone, mayDecide: mayDecide(principal) };
    sendPage(reply, findingPage(principal, shown));
    return reply;
  });
}

/** Files that cannot be shown are said on the page, which offers to have them written again. */
function changedFiles(error: unknown, requestId: string): ShownProblem {
  const { status, error: known } = asProblem(error);
  if (known.code !== 'reconciliation_changed') throw error;
  return problemOf(status, known, requestId);
}

function accessed({ params }: FastifyRequest): Accessed {
  const { period, finding } = params as FindingRoute['Params'];
  return {
    what: 'finding',
    month: isPeriod(period) ? period : null,
    finding: /^[0-9a-f]{16}$/.test(finding) ? finding : null,
  };
}
