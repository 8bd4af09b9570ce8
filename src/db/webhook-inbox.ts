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
 * Stores an event and what it asks for in one transaction: either both are there afterwards, or neither, and the vendor
 * delivers it again. Two deliveries at once wait for each other; the second one finds the event known.
 *
 * @param takesIn whether its transaction shall be registered, or the event only be noted.
 */
export function recordEvent(db: Queries, event: InboxEvent, takesIn: boolean, leaseMs: number): Promise<InboxAnswer> {
  return db.transaction().execute(async (queries): Promise<InboxAnswer> => {
    const { eventId, type, about, createdAt } = event;
    const { rows } = await sql<{ id: string }>`
      insert into webhook_inbox (event_id, event_type, transaction_id, result_id, event_created_at)
      values (${eventId}, ${type}, ${about?.transactionId ?? null}, ${about?.resultId ?? null}, ${createdAt})
      on conflict (event_id) do nothing returning id`.execute(queries);
    const id = rows[0]?.id;
    if (id === undefined) return { outcome: 'repeated', due: [] };
    if (!takesIn || about === null) return { outcome: 'noted', due: [] };
    const { answers, due } = await recordIntake(queries, [about], 'webhook', leaseMs);
    const outcome = answers[0] ?? 'already_known';
    await queries.updateTable('webhook_inbox').set({ outcome }).where('id', '=', id).execute();
    return { outcome, due };
  });
}
