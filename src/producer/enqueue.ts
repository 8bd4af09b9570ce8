import { type BooksPlace, onClient } from '../db/on-client.ts';
import { LedgerError } from '../errors.ts';
import { type InputLine, type IntakeContext, type LineAnswer, takeIn, takeInWithin } from '../jobs/intake/intake.ts';
import { takeAll } from '../jobs/intake/take-all.ts';
import { coded } from './coded.ts';
import type { EnqueueOptions, EnqueueResult, RejectedIds, TransactionIds } from './producer.ts';

export type EnqueueContext = IntakeContext & { readonly place: BooksPlace };

type Ids = Iterable<TransactionIds> | AsyncIterable<TransactionIds>;

/** What the command `enqueue` does, for IDs of a program. */
export async function enqueue(
  context: EnqueueContext,
  ids: Ids,
  { client }: EnqueueOptions = {},
): Promise<EnqueueResult> {
  checkIterable(ids);
  const take = client
    ? async (batch: readonly InputLine[]) => ({
        answers: await onClient(client, context.place, (db) => takeInWithin(db, batch, 'library')),
        isQueued: false,
      })
    : (batch: readonly InputLine[]) => takeIn(context, batch, 'library');
  const counts = { accepted: 0, alreadyKnown: 0 };
  const rejected: RejectedIds[] = [];
  let isQueued = client === undefined;
  await takeAll(
    linesOf(ids),
    (batch) => coded(take(batch), unexpected),
    (taken) => {
      isQueued &&= taken.isQueued;
      for (const answer of taken.answers) note(counts, rejected, answer);
    },
  );
  return { ...counts, rejected, isQueued };
}

function note(counts: { accepted: number; alreadyKnown: number }, rejected: RejectedIds[], answer: LineAnswer): void {
  switch (answer.answer) {
    case 'accepted':
      counts.accepted += 1;
      return;
    case 'already_known':
      counts.alreadyKnown += 1;
      return;
    case 'rejected':
      rejected.push({ index: answer.line, reason: answer.reason });
      return;
    default:
      return answer satisfies never;
  }
}

/** Callers in plain JavaScript may give anything. Text is a list, too: of characters. */
function checkIterable(ids: unknown): void {
  const isList = typeof ids === 'object' && ids !== null && (Symbol.iterator in ids || Symbol.asyncIterator in ids);
  if (!isList)
    throw new LedgerError('input_invalid', 'The IDs to be enqueued are no list.', {
      hint: 'Give an array, or another iterable, of { transactionId, resultId }.',
    });
}

async function* linesOf(ids: Ids): AsyncGenerator<InputLine> {
  let line = 0;
  for await (const one of ids) {
    yield lineOf(line, one);
    line += 1;
  }
}

function lineOf(line: number, given: unknown): InputLine {
  const { transactionId, resultId } = (given ?? {}) as { transactionId?: unknown; resultId?: unknown };
  const isRead = typeof transactionId === 'string' && typeof (resultId ?? '') === 'string';
  if (!isRead) return { line, problem: 'is not { transactionId: string, resultId?: string | null }' };
  return { line, transactionId, resultId: (resultId ?? '') as string };
}

const unexpected = {
  message: 'The IDs could not be registered.',
  hint: 'Report it, with its cause. Nothing of this batch was registered.',
};
