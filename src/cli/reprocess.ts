import { composeQueues } from '../compose/queues.ts';
import {
  countReprocess,
  countWithdrawn,
  reprocess as reprocessMatching,
  type ReprocessCount,
  type ReprocessFilter,
  type ReprocessWish,
} from '../db/reprocess.ts';
import type { ObligationKind } from '../db/schema.ts';
import { isPeriod, monthBounds } from '../domain/billing-month.ts';
import { counted } from '../domain/wording.ts';
import { LedgerError } from '../errors.ts';
import { type QueueContext, wantedKinds } from '../jobs/context.ts';
import { inputLines } from '../jobs/intake/input-lines.ts';
import { normaliseId } from '../domain/transaction-id.ts';
import { sweep } from '../jobs/queue/sweep.ts';
import { currentUser } from './current-user.ts';
import { openInputFile } from './input-file.ts';
import { remark, say } from './output.ts';
import { type CommandInput, type ExitCode, throwIfEnding, usageError } from './run.ts';

const kindNames: Record<string, ObligationKind> = {
  results: 'result',
  documents: 'documents',
  'audit-reports': 'audit_report',
};
const batchSize = 1_000;

export type ReprocessArguments = {
  readonly transaction?: string;
  readonly result?: string;
  readonly file?: string;
  readonly month?: string;
  readonly failed?: true;
  readonly code?: string;
  readonly only?: string;
  readonly reason?: string;
  readonly dryRun?: true;
};

/** `reprocess` by `--transaction`, `--result`, `--file`, `--month`, `--failed`, `--code`; all conditions must hold. */
export async function reprocess(args: ReprocessArguments, { config, signal }: CommandInput): Promise<ExitCode> {
  const { kinds: named, filter } = readArguments(args, config.billingTimeZone);
  const kinds = named.filter((kind) => wantedKinds(config).includes(kind));
  for (const kind of named)
    if (!kinds.includes(kind)) remark(`${kind} is switched off (FETCH_…=false) and left alone.`);
  const { context, close } = await composeQueues(config, { notice: remark });
  try {
    const isDryRun = args.dryRun === true;
    const totals = new Map<ObligationKind, number>();
    const problems: string[] = [];
    let withdrawn = 0;
    const wish = wishOf(args);
    for await (const part of parts(filter, args.file, problems, signal)) {
      throwIfEnding(signal);
      const counts = isDryRun
        ? await countReprocess(context.db.kysely, part, kinds)
        : await reprocessMatching(context.db.kysely, part, kinds, wish);
      withdrawn += await countWithdrawn(context.db.kysely, part);
      for (const { kind, count } of counts) totals.set(kind, (totals.get(kind) ?? 0) + count);
    }
    const counts = [...totals].map(([kind, count]): ReprocessCount => ({ kind, count }));
    if (!isDryRun && counts.length > 0) await wakeNow(context);
    say(...problems, ...answer(counts, isDryRun));
    if (withdrawn > 0) remark(leftAlone(withdrawn));
    if (problems.length > 0) return 1;
    // Transactions that were named but withdrawn were refused, not done.
    return withdrawn > 0 && counts.length === 0 ? 3 : 0;
  } finally {
    await close();
  }
}

const leftAlone = (withdrawn: number): string =>
  `${counted(withdrawn, 'transaction')} withdrawn and left alone: \`idscan-ledger enqueue\` puts such an ID back. (blocked)`;

/** Who asked for what, and why. Kept for later questions. */
function wishOf({ reason, transaction, result, file, month, failed, code }: ReprocessArguments): ReprocessWish {
  const filter = { transaction, result, file, month, failed, code };
  return { requestedBy: currentUser(), reason: reason ?? null, filter };
}

function readArguments(
  args: ReprocessArguments,
  timeZone: string,
): { kinds: ObligationKind[]; filter: ReprocessFilter } {
  const { transaction, result, file, month, failed, code, only } = args;
  if ([transaction, result, file, month, failed, code].every((given) => given === undefined))
    throw usageError(
      'Nothing says what to reprocess, and everything is not meant lightly.',
      'Give at least one of --transaction, --result, --file, --month, --failed, --code. With --dry-run nothing is changed.',
    );
  if (month !== undefined && !isPeriod(month))
    throw usageError(`${month} is not a month.`, 'Write it as YYYY-MM, such as 2026-10.');
  const id = (option: string, text: string): string => {
    const normal = normaliseId(text);
    if (normal === undefined) throw usageError(`The value of ${option} is not an ID.`);
    return normal;
  };
  return {
    kinds: readKinds(only),
    filter: {
      ...(transaction === undefined ? {} : { transactionIds: [id('--transaction', transaction)] }),
      ...(result === undefined ? {} : { resultIds: [id('--result', result)] }),
      ...(month === undefined ? {} : { month: monthBounds(month, timeZone) }),
      ...(failed === undefined ? {} : { failed }),
      ...(code === undefined ? {} : { code }),
    },
  };
}

function readKinds(only: string | undefined): ObligationKind[] {
  if (only === undefined) return Object.values(kindNames);
  return only.split(',').map((name) => {
    const kind = kindNames[name.trim()];
    if (!kind)
      throw usageError(`--only does not know ${name.trim()}.`, `It takes ${Object.keys(kindNames).join(', ')}.`);
    return kind;
  });
}

/** The filter itself or, with a file, one filter per batch of its transactions. */
async function* parts(
  filter: ReprocessFilter,
  file: string | undefined,
  problems: string[],
  signal: AbortSignal,
): AsyncGenerator<ReprocessFilter> {
  if (file === undefined) {
    yield filter;
    return;
  }
  const chosen = filter.transactionIds;
  let transactionIds: string[] = [];
  for await (const input of inputLines(openInputFile(file, 'reprocess', signal).chunks)) {
    const id = 'problem' in input ? undefined : normaliseId(input.transactionId);
    if (id === undefined)
      problems.push(
        `line ${input.line}: rejected: ${'problem' in input ? input.problem : 'transaction_id is not an ID'}`,
      );
    else if (!chosen || chosen.includes(id)) transactionIds.push(id);
    if (transactionIds.length < batchSize) continue;
    yield { ...filter, transactionIds };
    transactionIds = [];
  }
  if (transactionIds.length > 0) yield { ...filter, transactionIds };
}

/** Enqueues what is due. Without Redis, workers find it later. */
export async function wakeNow(context: QueueContext): Promise<void> {
  await sweep(context).catch((error: unknown) => {
    if (!(error instanceof LedgerError) || error.code !== 'queue_unavailable') throw error;
    remark(`${error.message} What is due is committed, and workers find it once Redis is back.`);
  });
}

function answer(counts: readonly ReprocessCount[], isDryRun: boolean): string[] {
  if (counts.length === 0) return ['Nothing matches.'];
  const listed = counts.map(({ kind, count }) => `${count} × ${kind}`).join(', ');
  return [isDryRun ? `Would be done again: ${listed}. Nothing was changed.` : `Due again: ${listed}.`];
}
