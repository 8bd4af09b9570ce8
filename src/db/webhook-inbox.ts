import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { type IntakeItem, recordIntake } from './intake.ts';
import type { InboxOutcome } from './schema.ts';

/** A delivered event, reduced to what may be kept of it. */
export type InboxEvent = {
  readonly eventId: string;
  readonly type: string;
  /** The transaction it is about, if it says so. */
  readonly about: IntakeItem | null;
  readonly createdAt: Date | null;
};

export type InboxAnswer = {
  /** `repeated`: the event was delivered before, and nothing was done. */
  readonly outcome: InboxOutcome | 'repeated';
  readonly due: readonly { readonly transactionId: string; readonly generation: number }[];
};

/**
 * Stores what an event asks for and the event itself, with what came of it, in one transaction: either both are there
 * afterwards, or neither, and the vendor delivers it again. Of two deliveries at once the later one waits for the event of
 * the first, finds it known, and takes back what it did.
 *
 * @param takesIn whether its transaction shall be registered, or the event only be noted.
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

/** Takes a transaction back. */
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
