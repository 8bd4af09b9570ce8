import { composeBooks } from '../compose/books.ts';
import { knownStore } from '../db/document-store.ts';
import { holdsOf, placeHold, releaseHolds } from '../db/holds.ts';
import { normaliseId } from '../domain/transaction-id.ts';
import { counted } from '../domain/wording.ts';
import { LedgerError } from '../errors.ts';
import type { Context } from '../jobs/context.ts';
import type { Failures } from '../jobs/custody/each.ts';
import { keepHoldCopies } from '../jobs/custody/hold-copies.ts';
import { documentStore, identifyStore } from '../store/open.ts';
import { currentUser } from './current-user.ts';
import { asSnakeCaseJson, remark, say } from './output.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';

export type HoldArguments = {
  readonly transaction: string;
  readonly reason?: string;
  readonly release: boolean;
  readonly json: boolean;
};

/** `hold --transaction <id> --reason <text> [--release] [--json]` */
export async function hold(args: HoldArguments, { config }: CommandInput): Promise<ExitCode> {
  const reason = args.reason?.trim() ?? '';
  if (reason === '') throw usageError('hold needs --reason.', 'Say why; it is kept with who and when.');
  const transactionId = normaliseId(args.transaction);
  if (transactionId === undefined) throw usageError('The value of --transaction is not an ID.');
  const { context, close } = await composeBooks(config, { notice: remark });
  try {
    const said = args.release
      ? await released(context, transactionId, reason)
      : await placed(context, transactionId, reason);
    if (args.json) say(asSnakeCaseJson({ transactionId, holds: await holdsOf(context.db.kysely, transactionId) }));
    else say(said);
    await copyHolds(context);
    return 0;
  } finally {
    await close();
  }
}

/** Where the store is away, what was said is in force all the same. */
async function copyHolds(context: Context): Promise<void> {
  if ((await knownStore(context.db.kysely)) === undefined) return;
  try {
    const failures: Failures = [];
    await keepHoldCopies(context, await identifyStore(context.db.kysely, documentStore(context.config)), failures);
    if (failures[0]) throw failures[0];
  } catch (error) {
    remark(
      'The document store could not be told, so a restore of an older database would undo it. Workers tell it once it is back.',
    );
    throw error;
  }
}

async function placed({ db }: Context, transactionId: string, reason: string): Promise<string> {
  switch (await placeHold(db, { transactionId, placedBy: currentUser(), reason })) {
    case 'held':
      return `${transactionId} is held: its documents are not destroyed until it is released.`;
    case 'already_held':
      return `${transactionId} is held already.`;
    case 'too_late':
      throw new LedgerError('blocked', `The documents of ${transactionId} are destroyed already.`, {
        fields: { transactionId },
        hint: `If they were erased, erase --receipt ${transactionId} tells when and on whose order; else they had been kept for as long as is configured.`,
      });
    case 'unknown':
      throw new LedgerError('transaction_unknown', `The books have no transaction ${transactionId}.`, {
        fields: { transactionId },
      });
  }
}

async function released({ db }: Context, transactionId: string, reason: string): Promise<string> {
  const released = await releaseHolds(db.kysely, { transactionId, releasedBy: currentUser(), reason });
  if (released === 0)
    throw new LedgerError('not_found', `There is no hold on ${transactionId}.`, { fields: { transactionId } });
  return `${counted(released, 'hold')} on ${transactionId} released. What was to be destroyed meanwhile is destroyed by the next worker.`;
}
