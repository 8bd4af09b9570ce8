import { composeBooks } from '../compose/books.ts';
import { goneDecisions } from '../db/gone-decisions.ts';
import { lastRun } from '../db/reconciliations.ts';
import { withdrawnFiles } from '../db/vendor-file-withdrawals.ts';
import { isPeriod } from '../domain/billing-month.ts';
import { type DecisionName, decisions } from '../domain/reconciliation/standing.ts';
import { suggestLayout } from '../invoices/layout/suggest-layout.ts';
import { monthsBehind } from '../jobs/reconcile/months-behind.ts';
import type { Basis } from '../jobs/reconcile/books-of-month.ts';
import type { Context } from '../jobs/context.ts';
import { decideFinding } from '../jobs/reconcile/decide-finding.ts';
import { reconcileMonth } from '../jobs/reconcile/reconcile-month.ts';
import { type FileWithdrawal, type FileWithdrawn, withdrawVendorFile } from '../jobs/reconcile/withdraw-file.ts';
import { openFindings } from '../reports/reconciliation-files.ts';
import { currentUser } from './current-user.ts';
import { say } from './output.ts';
import { behindLines, detectedText, reconciliationJson, reconciliationText } from './reconcile-text.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';
import { goneDecisionJson, goneDecisionLines, goneText, withdrawnJson } from './withdrawn-text.ts';
import { fileGiven, invoiceGiven, layoutGiven, usageGiven } from './vendor-files.ts';
import { withRoomForGarbage } from './young-garbage.ts';

export type ReconcileArguments = {
  readonly invoice?: string;
  readonly usage?: string;
  readonly layout?: string;
  readonly suggestLayout?: string;
  readonly basis?: string;
  readonly decide?: string;
  readonly withdraw?: string;
  readonly reason?: string;
  readonly dryRun: boolean;
  readonly json: boolean;
};

/**
 * `reconcile <YYYY-MM> [--invoice <file>] [--usage <file>] [--layout <file>] [--basis closed|restated] [--decide …]
 * [--withdraw <file>] [--dry-run] [--json]`, or `reconcile --suggest-layout <file>`.
 */
export async function reconcile(
  period: string | undefined,
  options: ReconcileArguments,
  { config, signal }: CommandInput,
): Promise<ExitCode> {
  if (options.suggestLayout !== undefined) return suggest(options.suggestLayout, period);
  if (period === undefined || !isPeriod(period))
    throw usageError(`${period ?? 'Nothing'} is not a month.`, 'Write it as YYYY-MM, such as 2026-10.');
  const basis = options.basis === undefined ? undefined : basisGiven(options.basis);
  if (options.layout !== undefined && options.invoice === undefined && options.usage === undefined)
    throw usageError('--layout says how to read a file.', 'Give the file with --invoice or --usage.');
  const decision = decisionGiven(options);
  const withdrawal = withdrawalGiven(options);
  const layout = options.layout === undefined ? undefined : await layoutGiven(options.layout);
  const given = options.invoice === undefined ? undefined : await invoiceGiven(options.invoice, layout, period);
  const usage = options.usage === undefined ? undefined : await usageGiven(options.usage, layout);
  const { context, close } = await composeBooks(config);
  try {
    if (decision) await decideFinding(context, period, { ...decision, decidedBy: currentUser() });
    const gone =
      withdrawal && (await withdrawVendorFile(context, period, { ...withdrawal, withdrawnBy: currentUser() }));
    if (gone && !gone.hasInvoice) {
      const said = options.json ? withoutInvoiceJson : withoutInvoiceText;
      say(...(await said(context, period, gone)));
      return 0;
    }
    const reconciliation = await reconcileMonth(context, period, {
      // A decision is about what was found on some basis, and is shown on the same.
      basis: basis ?? (decision && (await lastRun(context.db.kysely, period))?.basis) ?? 'restated',
      given,
      usage: usage && { ...usage, rows: withRoomForGarbage(usage.rows) },
      isDryRun: options.dryRun,
      ranBy: currentUser(),
      signal,
    });
    const now = context.now();
    const behind = options.dryRun ? [] : await monthsBehind(context, period);
    say(
      ...(options.json
        ? [reconciliationJson(reconciliation, now, behind)]
        : [
            ...(gone ? [...goneText(gone, period), ''] : []),
            ...(given ? [...detectedText(given.file.name, given.detected), ''] : []),
            ...(usage ? [...detectedText(usage.name, usage.detected), ''] : []),
            ...reconciliationText(reconciliation, now),
            ...behindLines(behind),
          ]),
    );
    const { found, head } = reconciliation;
    return openFindings(found.findings, head).length > 0 ? 1 : 0;
  } finally {
    await close();
  }
}

/** Nothing is left of a month but what was decided about it. */
const withoutInvoiceText = async (context: Context, period: string, gone: FileWithdrawn): Promise<string[]> => [
  ...goneText(gone, period),
  ...goneDecisionLines(await goneDecisions(context.db.kysely, period, [])),
  ...behindLines(await monthsBehind(context, period)),
];

async function withoutInvoiceJson(context: Context, period: string): Promise<string[]> {
  const db = context.db.kysely;
  const withdrawn = await withdrawnFiles(db, period);
  const decided = await goneDecisions(db, period, []);
  const said = {
    period,
    withdrawn: withdrawn.map((one) => withdrawnJson(one, decided)),
    no_longer_found: decided.map((one) => goneDecisionJson(one)),
    months_behind: await monthsBehind(context, period),
  };
  return [JSON.stringify(said, null, 2)];
}

function basisGiven(basis: string): Basis {
  if (basis === 'closed' || basis === 'restated') return basis;
  throw usageError(`${basis} is no basis.`, 'It is closed or restated.');
}

type GivenDecision = { readonly finding: string; readonly decision: DecisionName; readonly reason: string };

const decisionPattern = /^([0-9a-f]{16})=(\w+)$/;

function decisionGiven({
  decide: given,
  withdraw,
  reason = '',
  invoice,
  usage,
  dryRun,
}: ReconcileArguments): GivenDecision | undefined {
  if (given === undefined) {
    if (reason !== '' && withdraw === undefined)
      throw usageError('--reason goes with --decide or --withdraw.', 'Say which finding is decided.');
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
  if (dryRun) throw usageError('--decide goes without --dry-run.', 'A decision is kept.');
  if (invoice !== undefined || usage !== undefined)
    throw usageError(
      '--decide goes without --invoice and --usage.',
      'Reconcile the invoice first, then decide what was found.',
    );
  return { finding, decision, reason: reason.trim() };
}

function withdrawalGiven({
  withdraw: file,
  reason = '',
  ...options
}: ReconcileArguments): Omit<FileWithdrawal, 'withdrawnBy'> | undefined {
  if (file === undefined) return undefined;
  if (reason.trim() === '') throw usageError('--withdraw needs --reason.', 'Say why; it is kept with the file.');
  const { invoice, usage, decide, dryRun } = options;
  if (dryRun || [invoice, usage, decide].some((one) => one !== undefined))
    throw usageError(
      '--withdraw goes without --invoice, --usage, --decide and --dry-run.',
      'Withdraw the file first. A withdrawal is kept.',
    );
  return { file, reason: reason.trim() };
}

async function suggest(name: string, period: string | undefined): Promise<ExitCode> {
  if (period !== undefined) throw usageError('--suggest-layout goes without a month.', 'Leave the month out.');
  const { content, name: baseName } = await fileGiven(name);
  process.stdout.write(await suggestLayout(content, baseName));
  return 0;
}
