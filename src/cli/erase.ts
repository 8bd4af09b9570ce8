import { composeBooks } from '../compose/books.ts';
import { composeQueues } from '../compose/queues.ts';
import { knownStore } from '../db/document-store.ts';
import type { Requested } from '../db/erasures.ts';
import { normaliseId } from '../domain/transaction-id.ts';
import { counted } from '../domain/wording.ts';
import { LedgerError } from '../errors.ts';
import type { Context } from '../jobs/context.ts';
import { cancel, erase as eraseAll, type Erased } from '../jobs/custody/erase.ts';
import { receiptOf } from '../jobs/custody/receipt.ts';
import { inputLines } from '../jobs/intake/input-lines.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { documentStore, identifyStore } from '../store/open.ts';
import { currentUser } from './current-user.ts';
import { howFar, stillCancelled } from './erase-broken-off.ts';
import { openInputFile } from './input-file.ts';
import { asSnakeCaseJson, printable, remark, say } from './output.ts';
import { receiptLines } from './receipt-text.ts';
import { type CommandInput, type ExitCode, throwIfEnding, usageError } from './run.ts';

export type EraseArguments = {
  readonly transaction?: string;
  readonly file?: string;
  readonly reason?: string;
  readonly now: boolean;
  readonly cancel: boolean;
  readonly receipt?: string;
  readonly json: boolean;
};

/** `erase --transaction <id> | --file <csv> --reason <text> [--now | --cancel]`, `erase --receipt <id>` */
export async function erase(args: EraseArguments, input: CommandInput): Promise<ExitCode> {
  if (args.receipt !== undefined) return receipt(args.receipt, args.json, input);
  const reason = args.reason?.trim() ?? '';
  if (reason === '') throw usageError('erase needs --reason.', 'Say why; it is kept with who and when.');
  if ((args.transaction === undefined) === (args.file === undefined))
    throw usageError('erase needs --transaction or --file, one of them.');
  if (args.cancel && args.now) throw usageError('--now and --cancel exclude each other.');
  const { context, close } = await composeBooks(input.config, { notice: remark });
  try {
    return args.cancel ? await cancelled(context, args, reason) : await erased(context, args, reason, input.signal);
  } finally {
    await close();
  }
}

/** `undefined` = the books know no store yet. Only a worker, which stores there, may make one theirs. */
const storeOf = async ({ db, config }: Context): Promise<ObjectStore | undefined> =>
  (await knownStore(db.kysely)) === undefined ? undefined : identifyStore(db.kysely, documentStore(config));

async function erased(context: Context, args: EraseArguments, reason: string, signal: AbortSignal): Promise<ExitCode> {
  const rejected: string[] = [];
  const ids = await idsIn(args, rejected, signal);
  throwIfEnding(signal);
  const wish = { requestedBy: currentUser(), reason, isNow: args.now };
  const all =
    ids.length === 0 ? [] : await eraseAll(context, () => storeOf(context), ids, wish).catch(howFar(context, ids));
  const isKnown = ({ answer }: Requested) => answer !== 'unknown';
  const results = all.filter(isKnown);
  rejected.push(
    ...all
      .filter((one) => !isKnown(one))
      .map(({ transactionId }) => `${transactionId}: the books have no such transaction`),
  );
  if (args.json) say(asSnakeCaseJson({ erasures: results, rejected }));
  else say(...erasedLines(results, rejected, args.now));
  return rejected.length > 0 ? 1 : args.now && results.some(({ isHeld }) => isHeld) ? 3 : 0;
}

function erasedLines(results: readonly Erased[], rejected: readonly string[], isNow: boolean): string[] {
  const of = (is: (one: Erased) => boolean) => results.filter(is).length;
  const destroyed = of(({ isDestroyed }) => isDestroyed);
  const held = of((one) => one.isHeld && !one.isDestroyed);
  const waiting = results.length - destroyed - held;
  return [
    ...(destroyed > 0 ? [`Destroyed: the documents of ${counted(destroyed, 'transaction')}.`] : []),
    ...(waiting > 0
      ? [
          `Closed: the documents of ${counted(waiting, 'transaction')}. Nobody reads them, and workers destroy them ${isNow ? 'now' : 'after the delay'}.`,
        ]
      : []),
    ...(held > 0
      ? [`Held: the documents of ${counted(held, 'transaction')} are closed, and are destroyed once released.`]
      : []),
    ...results.slice(0, 20).map(({ transactionId, erasureId }) => `  ${transactionId}  erasure ${erasureId ?? ''}`),
    ...(results.length > 20 ? [`  and ${results.length - 20} more; --json lists all`] : []),
    ...(rejected.length > 0 ? [`Rejected: ${rejected.length}`, ...rejected.map((one) => `  ${printable(one)}`)] : []),
  ];
}

/** The transactions that are meant. Bad lines are noted and stop no good ones. */
async function idsIn(args: EraseArguments, rejected: string[], signal: AbortSignal): Promise<string[]> {
  if (args.transaction !== undefined) return [idOf(args.transaction)];
  const ids = new Set<string>();
  for await (const line of inputLines(openInputFile(args.file ?? '-', 'erase', signal).chunks)) {
    const id = 'problem' in line ? undefined : normaliseId(line.transactionId);
    if (id === undefined)
      rejected.push(`line ${line.line}: ${'problem' in line ? line.problem : 'transaction_id is not an ID'}`);
    else ids.add(id);
  }
  return [...ids];
}

function idOf(text: string): string {
  const id = normaliseId(text);
  if (id === undefined) throw usageError('The value of --transaction is not an ID.');
  return id;
}

async function cancelled(context: Context, args: EraseArguments, reason: string): Promise<ExitCode> {
  if (args.transaction === undefined) throw usageError('--cancel needs --transaction.');
  const transactionId = idOf(args.transaction);
  const by = { cancelledBy: currentUser(), reason };
  const erasure = await cancel(context, () => storeOf(context), transactionId, by).catch(stillCancelled(transactionId));
  if (args.json) say(asSnakeCaseJson(erasure));
  else
    say(
      `The erasure of ${erasure.transactionId} is cancelled: its documents can be read again.`,
      'What was not yet fetched when it was ordered is fetched by: npx idscan-ledger reprocess --transaction',
    );
  return 0;
}

async function receipt(id: string, json: boolean, { config }: CommandInput): Promise<ExitCode> {
  const { context, close } = await composeQueues(config, { notice: remark });
  try {
    const found = await receiptOf(context, await storeOf(context), normaliseId(id) ?? id);
    if (json) say(asSnakeCaseJson(found));
    else say(...receiptLines(found));
    return found.isProven ? 0 : 1;
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'queue_unavailable')
      remark('The search needs Redis: jobs that would fetch the documents are looked for there.');
    throw error;
  } finally {
    await close();
  }
}
