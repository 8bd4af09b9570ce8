import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { findingAmount, lastRun } from '../../db/reconciliations.ts';
import { isPeriod } from '../../domain/billing-month.ts';
import { decisions } from '../../domain/reconciliation/standing.ts';
import { LedgerError } from '../../errors.ts';
import { suggestLayout } from '../../invoices/layout/suggest-layout.ts';
import { fileAt } from '../../invoices/read-usage.ts';
import { noFinding } from '../../jobs/attempts/finding-attempts.ts';
import { knownMonths } from '../../jobs/month/months.ts';
import type { Basis } from '../../jobs/reconcile/books-of-month.ts';
import { decideFinding } from '../../jobs/reconcile/decide-finding.ts';
import { disputeMonth } from '../../jobs/reconcile/dispute-month.ts';
import { invoiceFrom, layoutFrom, usageFrom } from '../../jobs/reconcile/given-files.ts';
import { publishedMonth, shownReconciliation } from '../../jobs/reconcile/published-month.ts';
import { reconcileMonth } from '../../jobs/reconcile/reconcile-month.ts';
import { countingFiles, withdrawVendorFile } from '../../jobs/reconcile/withdraw-file.ts';
import { microsOf } from '../../reports/verify/cells.ts';
import type { AuditLog } from '../access-log.ts';
import type { Guard } from '../access/guard.ts';
import type { ServiceContext } from '../context.ts';
import { acceptForms, field, maxFormBytes } from '../forms.ts';
import { html } from '../pages/html.ts';
import { invoiceProblemPage, lookPage } from '../pages/invoice.ts';
import { detectedFacts } from '../pages/invoice-upload.ts';
import { sendPage } from '../pages/send.ts';
import type { Problem } from '../problem.ts';
import {
  createUploads,
  type Upload,
  type UploadedFile,
  type UploadFor,
  type Uploads,
  withContent,
} from '../uploads.ts';
import { deciders, type FindingRoute, type MonthRoute } from './invoice.ts';
import { knownMonth, principalOf } from './reports.ts';

type Changing = { readonly guard: Guard; readonly audit: AuditLog };

type Desk = {
  readonly context: ServiceContext;
  readonly audit: AuditLog;
  readonly uploads: Uploads;
  /** Runs one reconciliation at a time: each takes memory and a core for as long as it runs. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
};

/** What finance does with an invoice: has it looked at, keeps it, decides, and has letters written. */
export function addInvoiceChanges(server: FastifyInstance, context: ServiceContext, { guard, audit }: Changing): void {
  const uploads = createUploads();
  server.addHook('onClose', uploads.close);
  let last: Promise<unknown> = Promise.resolve();
  const alone: Desk['alone'] = async (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
  const desk: Desk = { context, audit, uploads, alone };
  const options = { onRequest: guard(deciders, 'bearer or session'), config: { problemPage } };
  void server.register(async (scope) => {
    await scope.register(multipart);
    addLooking(scope, desk, options);
  });
  void server.register((scope, _options, done) => {
    acceptForms(scope);
    addKeeping(scope, desk, { ...options, bodyLimit: maxFormBytes });
    addDeciding(scope, desk, { ...options, bodyLimit: maxFormBytes });
    addWithdrawing(scope, desk, { ...options, bodyLimit: maxFormBytes });
    done();
  });
}

async function forWhom({ context }: Desk, request: FastifyRequest<MonthRoute>): Promise<UploadFor> {
  const { period } = knownMonth(await knownMonths(context), request.params.period);
  return { period, principal: principalOf(request).name };
}

/** Reconciles a month with what was uploaded. */
async function run({ context }: Desk, upload: Upload, { period, principal }: UploadFor, isDryRun: boolean) {
  const { given, usage } = await givenIn(upload, period);
  const basis = basisIn(upload.fields);
  const reconciliation = await reconcileMonth(context, period, { basis, given, usage, isDryRun, ranBy: principal });
  return { given, usage, reconciliation };
}

/** Reconciles a month with what is kept. */
const again = ({ context, alone }: Desk, { period, principal }: UploadFor, basis: Basis) =>
  alone(() =>
    reconcileMonth(context, period, { basis, given: undefined, usage: undefined, isDryRun: false, ranBy: principal }),
  );

function addLooking(scope: FastifyInstance, desk: Desk, options: RouteShorthandOptions): void {
  const { uploads, alone } = desk;
  scope.post<MonthRoute>('/reports/:period/invoice', options, async (request, reply) => {
    const whose = await forWhom(desk, request);
    const upload = await uploads.receive(request, whose);
    try {
      const { given, usage, reconciliation } = await uploads.using(upload, () =>
        alone(() => run(desk, upload, whose, true)),
      );
      const { head, found, replaced } = reconciliation;
      const page = lookPage(principalOf(request), {
        period: whose.period,
        uploadId: upload.id,
        detected: html`${detectedFacts(given.file.name, given.detected)}
        ${usage ? detectedFacts(usage.name, usage.detected) : null}`,
        shown: shownReconciliation(head, found),
        replaced: replaced !== null,
      });
      sendPage(reply, page);
      return await reply;
    } catch (error) {
      await uploads.remove(upload.id);
      throw error;
    }
  });
  scope.post<MonthRoute>('/reports/:period/invoice/layout', options, async (request, reply) => {
    const upload = await uploads.receive(request, await forWhom(desk, request));
    try {
      const { content, name } = await withContent(invoiceIn(upload));
      const layout = await alone(() => suggestLayout(content, name));
      void reply.header('content-disposition', 'attachment; filename="layout.json"').type('application/json');
      return await reply.send(layout);
    } finally {
      await uploads.remove(upload.id);
    }
  });
}

function addKeeping(scope: FastifyInstance, desk: Desk, options: RouteShorthandOptions): void {
  const { uploads, alone, audit } = desk;
  scope.post<MonthRoute>('/reports/:period/invoice/keep', options, async (request, reply) => {
    const whose = await forWhom(desk, request);
    const { given } = await alone(async () => {
      // Looked up in its turn: who clicks twice finds it kept, and gone.
      const upload = uploads.find(field(request.body, 'upload'), whose);
      const done = await uploads.using(upload, () => run(desk, upload, whose, false));
      await uploads.remove(upload.id);
      return done;
    });
    audit(request, 'invoice kept', { month: whose.period, sha256: given.file.sha256 });
    return reply.redirect(`/reports/${whose.period}/invoice`, 303);
  });
  scope.post<MonthRoute>('/reports/:period/invoice/again', options, async (request, reply) => {
    const whose = await forWhom(desk, request);
    await again(desk, whose, basisIn(request.body));
    audit(request, 'month reconciled', { month: whose.period });
    return reply.redirect(`/reports/${whose.period}/invoice`, 303);
  });
}

function addWithdrawing(scope: FastifyInstance, desk: Desk, options: RouteShorthandOptions): void {
  const { context, audit, alone } = desk;
  scope.post<MonthRoute>('/reports/:period/invoice/withdraw', options, async (request, reply) => {
    const whose = await forWhom(desk, request);
    const { period } = whose;
    const wish = withdrawalIn(request.body);
    const counting = await countingFiles(context.db.kysely, period);
    if (!counting.some(({ sha256 }) => sha256 === wish.file)) throw noWithdrawal();
    const basis = (await lastRun(context.db.kysely, period))?.basis ?? 'restated';
    const { hasInvoice } = await alone(() =>
      withdrawVendorFile(context, period, { ...wish, withdrawnBy: whose.principal }),
    );
    audit(request, 'invoice withdrawn', { month: period, sha256: wish.file });
    if (hasInvoice) await again(desk, whose, basis);
    return reply.redirect(`/reports/${period}/invoice`, 303);
  });
}

function withdrawalIn(fields: unknown) {
  const file = field(fields, 'file');
  const reason = field(fields, 'reason').trim().slice(0, 500);
  if (/^[0-9a-f]{64}$/.test(file) && reason !== '') return { file, reason };
  throw noWithdrawal();
}

const noWithdrawal = (): LedgerError =>
  new LedgerError('request_invalid', 'A withdrawal names a file that counts for the month, and has a reason.', {
    hint: 'Choose one and say why; both are kept.',
  });

function addDeciding(scope: FastifyInstance, desk: Desk, options: RouteShorthandOptions): void {
  const { context, audit, alone } = desk;
  scope.post<FindingRoute>('/reports/:period/invoice/findings/:finding', options, async (request, reply) => {
    const whose = await forWhom(desk, request);
    const { period } = whose;
    const { finding } = request.params;
    const decided = decisionIn(request.body);
    const { decision } = decided;
    if ((await findingAmount(context.db.kysely, period, finding)) === undefined) throw noFinding(period);
    // Read first: a decision about files that cannot be read would be about what nobody sees.
    const basis = (await publishedMonth(context, period))?.basis ?? 'restated';
    await alone(() => decideFinding(context, period, { ...decided, finding, decidedBy: whose.principal }));
    audit(request, 'finding decided', { month: period, finding, decision });
    await again(desk, whose, basis);
    return reply.redirect(`/reports/${period}/invoice`, 303);
  });
  scope.post<MonthRoute>('/reports/:period/invoice/dispute', options, async (request, reply) => {
    const { period } = await forWhom(desk, request);
    const { signal } = new AbortController();
    await disputeMonth(context, period, { out: undefined, signal });
    audit(request, 'dispute written', { month: period });
    return reply.redirect(`/reports/${period}/invoice#dispute`, 303);
  });
}

function invoiceIn({ files }: Upload): UploadedFile {
  if (files.invoice) return files.invoice;
  throw new LedgerError('request_invalid', 'No invoice was chosen.', { hint: 'Choose a file: CSV, XLSX or UBL.' });
}

async function givenIn(upload: Upload, period: string) {
  const { usage, layout: layoutFile } = upload.files;
  const invoice = invoiceIn(upload);
  const layout = layoutFile && layoutFrom(await withContent(layoutFile));
  return {
    given: await invoiceFrom(await withContent(invoice), layout, period),
    usage: usage && (await usageFrom(usage, fileAt(usage.path), layout)),
  };
}

function basisIn(fields: unknown): Basis {
  const basis = field(fields, 'basis');
  if (basis === 'closed' || basis === 'restated') return basis;
  throw new LedgerError('request_invalid', 'The basis is neither closed nor restated.');
}

function decisionIn(fields: unknown) {
  const decision = decisions.find((one) => one === field(fields, 'decision'));
  const reason = field(fields, 'reason').trim().slice(0, 500);
  const [seen, seenLeft] = [microsOf(field(fields, 'amount')), microsOf(field(fields, 'left'))];
  if (seen === undefined)
    throw new LedgerError('request_invalid', 'A decision says which amount it is about.', {
      hint: 'Open the finding’s page and decide there.',
    });
  if (decision && reason !== '') return { decision, reason, seen, seenLeft };
  throw new LedgerError('request_invalid', 'A decision is accept, dispute or expect, and has a reason.', {
    hint: 'Choose one and say why; both are kept.',
  });
}

/** What people see when it fails, with the form to try again. */
function problemPage(request: FastifyRequest, problem: Problem): string | undefined {
  const { params, principal } = request as FastifyRequest<MonthRoute>;
  const isOther = ['not_found', 'forbidden', 'unauthenticated'].includes(problem.code) || !isPeriod(params.period);
  return principal && !isOther ? invoiceProblemPage(principal, params.period, problem) : undefined;
}
