import { type IntakeItem } from '../../db/intake.ts';
import { type InboxAnswer, recordEvent } from '../../db/webhook-inbox.ts';
import { LedgerError } from '../../errors.ts';
import { knownEvents, readEvent, transactionStateUpdated, type VendorEvent } from '../../id-scan/events.ts';
import type { QueueContext } from '../context.ts';
import { normaliseId } from '../../domain/transaction-id.ts';
import { wakeWithin } from './intake.ts';
import { leaseMs } from '../queue/queues.ts';

/** The vendor waits for our response. If the jobs cannot be enqueued in this time, the sweep enqueues them. */
const wakeWithinMs = 250;

/**
 * Takes an event from the vendor: commits it together with the intake that it asks for, then wakes the workers. A
 * repeated event has no effect. An event of an unknown type is only recorded. What an event says about a result is not
 * trusted but fetched.
 *
 * @throws LedgerError `request_invalid` with the names of the wrong fields; `database_unavailable`, and then nothing
 * was committed.
 */
export async function takeEvent(context: QueueContext, json: unknown): Promise<InboxAnswer['outcome']> {
  const reading = readEvent(json);
  if ('wrong' in reading) throw invalid(reading.wrong);
  const { event } = reading;
  const about = itemOf(event);
  if (typeof about === 'string') throw invalid([about]);
  const isKnown = knownEvents.some((type) => type === event.type);
  const { outcome, due } = await recordEvent(context.db.kysely, { ...event, about }, isKnown, leaseMs);
  if (outcome === 'conflict')
    context.log.warn({ transactionId: about?.transactionId }, 'an event names another result than the one fetched');
  await wakeWithin(context, due, wakeWithinMs).catch((error: unknown) =>
    context.log.error({ err: error }, 'workers were not told of an event; the sweep tells them'),
  );
  return outcome;
}

/** The IDs that the event is about, or the name of a field that must be an ID and is not. */
function itemOf({ type, transactionId, resultId }: VendorEvent): IntakeItem | null | string {
  const isDocumented = type === transactionStateUpdated;
  if (transactionId === null) return null;
  const transaction = normaliseId(transactionId);
  if (transaction === undefined) return isDocumented ? 'transaction.id' : null;
  if (resultId === null) return { transactionId: transaction, resultId: null };
  const result = normaliseId(resultId);
  if (result === undefined)
    return isDocumented ? 'transaction.resultId' : { transactionId: transaction, resultId: null };
  return { transactionId: transaction, resultId: result };
}

const invalid = (fields: readonly string[]): LedgerError =>
  new LedgerError('request_invalid', `The event cannot be read: ${fields.join(', ')}.`, {
    fields: { wrong: fields.join(' ') },
    hint: 'Compare with the event in docs/service.md.',
  });
