import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { composeBooks } from '../compose/books.ts';
import { isPeriod } from '../domain/billing-month.ts';
import { type DecisionName, decisions } from '../domain/reconciliation/standing.ts';
import type { VendorFile } from '../db/vendor-invoices.ts';
import { LedgerError } from '../errors.ts';
import { readInvoice } from '../invoices/read-invoice.ts';
import { parseLayout } from '../invoices/layout/layout-file.ts';
import type { Basis } from '../jobs/reconcile/books-of-month.ts';
import { decideFinding } from '../jobs/reconcile/decide-finding.ts';
import { type GivenInvoice, reconcileMonth } from '../jobs/reconcile/reconcile-month.ts';
import { openFindings } from '../reports/reconciliation-files.ts';
import { currentUser } from './current-user.ts';
import { say } from './output.ts';
import { reconciliationJson, reconciliationText } from './reconcile-text.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';

export type ReconcileArguments = {
  readonly invoice?: string;
  readonly layout?: string;
  readonly basis: string;
  readonly decide?: string;
  readonly reason?: string;
  readonly dryRun: boolean;
  readonly json: boolean;
};

/** `reconcile <YYYY-MM> [--invoice <file>] [--layout <file>] [--basis closed|restated] [--decide …] [--dry-run] [--json]` */
export async function reconcile(
  period: string,
  options: ReconcileArguments,
  { config, signal }: CommandInput,
): Promise<ExitCode> {
  if (!isPeriod(period)) throw usageError(`${period} is not a month.`, 'Write it as YYYY-MM, such as 2026-10.');
  const basis = basisGiven(options.basis);
  if (options.layout !== undefined && options.invoice === undefined)
    throw usageError('--layout says how to read an invoice.', 'Give the invoice with --invoice.');
  const decision = decisionGiven(options);
  const given = options.invoice === undefined ? undefined : await invoiceGiven(options.invoice, options.layout);
  const { context, close } = await composeBooks(config);
  try {
    if (decision) await decideFinding(context, period, { ...decision, decidedBy: currentUser() });
    const reconciliation = await reconcileMonth(context, period, {
      basis,
      given,
      isDryRun: options.dryRun,
      ranBy: currentUser(),
      signal,
    });
    const now = context.now();
    say(...(options.json ? [reconciliationJson(reconciliation, now)] : reconciliationText(reconciliation, now)));
    const { found, head } = reconciliation;
    return openFindings(found.findings, head).length > 0 ? 1 : 0;
  } finally {
    await close();
  }
}

function basisGiven(basis: string): Basis {
  if (basis === 'closed' || basis === 'restated') return basis;
  throw usageError(`${basis} is no basis.`, 'It is closed or restated.');
}

type GivenDecision = { readonly finding: string; readonly decision: DecisionName; readonly reason: string };

const decisionPattern = /^([0-9a-f]{16})=(\w+)$/;

function decisionGiven({ decide: given, reason = '', invoice }: ReconcileArguments): GivenDecision | undefined {
  if (given === undefined) {
    if (reason !== '') throw usageError('--reason goes with --decide.', 'Say which finding is decided.');
    return undefined;
  }
  const [, finding, name] = decisionPattern.exec(given) ?? [];
  const decision = decisions.find((one) => one === name);
  if (finding === undefined || decision === undefined)
    throw usageError(
      `${given} is no decision.`,
      'Write it as <finding>=accept, <finding>=dispute or <finding>=expect.',
    );
  if (reason.trim() === '') throw usageError('--decide needs --reason.', 'Say why; it is kept with the decision.');
  if (invoice !== undefined)
    throw usageError('--decide goes without --invoice.', 'Reconcile the invoice first, then decide what was found.');
  return { finding, decision, reason: reason.trim() };
}

async function invoiceGiven(name: string, layoutName: string | undefined): Promise<GivenInvoice> {
  const file = await fileGiven(name);
  const layoutFile = layoutName === undefined ? undefined : await fileGiven(layoutName);
  const layout = layoutFile && parseLayout(layoutFile.content, layoutFile.name).content;
  const { invoice } = await readInvoice(file.content, file.name, layout);
  return { invoice, file, layout: layoutFile };
}

async function fileGiven(name: string): Promise<VendorFile> {
  const content = await readFile(name).catch((cause: unknown) => {
    throw new LedgerError('usage_invalid', `${name} cannot be read.`, { hint: 'Check the path.', cause });
  });
  return { name: path.basename(name), content, sha256: createHash('sha256').update(content).digest('hex') };
}
