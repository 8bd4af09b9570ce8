import { composeBooks } from '../compose/books.ts';
import { lastRun } from '../db/reconciliations.ts';
import { isPeriod } from '../domain/billing-month.ts';
import { type DecisionName, decisions } from '../domain/reconciliation/standing.ts';
import { suggestLayout } from '../invoices/layout/suggest-layout.ts';
import type { Basis } from '../jobs/reconcile/books-of-month.ts';
import { decideFinding } from '../jobs/reconcile/decide-finding.ts';
import { reconcileMonth } from '../jobs/reconcile/reconcile-month.ts';
import { openFindings } from '../reports/reconciliation-files.ts';
import { currentUser } from './current-user.ts';
import { say } from './output.ts';
import { detectedText, reconciliationJson, reconciliationText } from './reconcile-text.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';
import { fileGiven, invoiceGiven, layoutGiven, usageGiven } from './vendor-files.ts';

export type ReconcileArguments = {
  readonly invoice?: string;
  readonly usage?: string;
  readonly layout?: string;
  readonly suggestLayout?: string;
  readonly basis?: string;
  readonly decide?: string;
  readonly reason?: string;
  readonly dryRun: boolean;
  readonly json: boolean;
};

/**
 * `reconcile <YYYY-MM> [--invoice <file>] [--usage <file>] [--layout <file>] [--basis closed|restated] [--decide …]
 * [--dry-run] [--json]`, or `reconcile --suggest-layout <file>`.
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
  const layout = options.layout === undefined ? undefined : await layoutGiven(options.layout);
  const given = options.invoice === undefined ? undefined : await invoiceGiven(options.invoice, layout);
  const usage = options.usage === undefined ? undefined : await usageGiven(options.usage, layout);
  const { context, close } = await composeBooks(config);
  try {
    if (decision) await decideFinding(context, period, { ...decision, decidedBy: currentUser() });
    const reconciliation = await reconcileMonth(context, period, {
      // A decision is about what was found on some basis, and is shown on the same.
      basis: basis ?? (decision && (await lastRun(context.db.kysely, period))?.basis) ?? 'restated',
      given,
      usage,
      isDryRun: options.dryRun,
      ranBy: currentUser(),
      signal,
    });
    const now = context.now();
    say(
      ...(options.json
        ? [reconciliationJson(reconciliation, now)]
        : [
            ...(given ? [...detectedText(given.file.name, given.detected), ''] : []),
            ...(usage ? [...detectedText(usage.name, usage.detected), ''] : []),
            ...reconciliationText(reconciliation, now),
          ]),
    );
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

function decisionGiven({
  decide: given,
  reason = '',
  invoice,
  usage,
  dryRun,
}: ReconcileArguments): GivenDecision | undefined {
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
  if (dryRun) throw usageError('--decide goes without --dry-run.', 'A decision is kept.');
  if (invoice !== undefined || usage !== undefined)
    throw usageError(
      '--decide goes without --invoice and --usage.',
      'Reconcile the invoice first, then decide what was found.',
    );
  return { finding, decision, reason: reason.trim() };
}

async function suggest(name: string, period: string | undefined): Promise<ExitCode> {
  if (period !== undefined) throw usageError('--suggest-layout goes without a month.', 'Leave the month out.');
  const { content, name: baseName } = await fileGiven(name);
  process.stdout.write(await suggestLayout(content, baseName));
  return 0;
}
