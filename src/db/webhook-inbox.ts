import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { type IntakeItem, recordIntake } from './intake.ts';
import type { InboxOutcome } from './schema.ts';

/** A delivered event, reduced to what may be stored. */
export type InboxEvent = {
  readonly eventId: string;
  readonly type: string;
  /** The transaction that the event names, if any. */
  readonly about: IntakeItem | null;
  readonly createdAt: Date | null;
};

export type InboxAnswer = {
  /** `repeated`: the event was delivered before, so nothing was done. */
  readonly outcome: InboxOutcome | 'repeated';
  readonly due: readonly { readonly transactionId: string; readonly generation: number }[];
};

/**
 * Stores what an event asks for together with the event and its result, in one transaction. If that fails, nothing is
 * stored and the vendor delivers the event again. Of two concurrent deliveries, the later one waits for the first one's
 * row, finds the event known, and rolls back.
 *
 * @param takesIn whether to register its transaction, or only to store the event.
 */
export async function recordEvent(
  db: Queries,
  event: InboxEvent,
  takesIn: boolean,
  leaseMs: number,
): Promise<InboxAnswer> {
  const { about } = event;
  try {
    return await db.transaction().execute(async (queries): Promise<InboxAnswer> => {
      if (await isKnownEvent(queries, event)) throw repeated;
      const taken = takesIn && about !== null ? await recordIntake(queries, [about], 'webhook', leaseMs) : undefined;
      const outcome = taken ? (taken.answers[0] ?? 'already_known') : 'noted';
      if (!(await insertEvent(queries, event, outcome))) throw repeated;
      return { outcome, due: taken?.due ?? [] };
    });
  } catch (error) {
    if (error === repeated) return { outcome: 'repeated', due: [] };
    throw error;
  }
}

/** Thrown to roll back the transaction. */
const repeated = new Error('the event was delivered before');

async function isKnownEvent(db: Queries, { eventId }: InboxEvent): Promise<boolean> {
  const { rows } = await sql`select from webhook_inbox where event_id = ${eventId}`.execute(db);
  return rows.length > 0;
}

/** @returns whether it was new. */
async function insertEvent(db: Queries, event: InboxEvent, outcome: InboxOutcome): Promise<boolean> {
  const { eventId, type, about, createdAt } = event;
  const { rows } = await sql`
    insert into webhook_inbox (event_id, event_type, transaction_id, result_id, event_created_at, outcome)
    values (${eventId}, ${type}, ${about?.transactionId ?? null}, ${about?.resultId ?? null}, ${createdAt}, ${outcome})
    on conflict (event_id) do nothing returning id`.execute(db);
  return rows.length > 0;
}
