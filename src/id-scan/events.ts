import * as z from 'zod';
import { optionalInstant } from './fields.ts';

/**
 * A webhook event, reduced to IDs, type and time. Everything else is dropped by parsing. The event is only a hint: the
 * facts are fetched.
 */
export type VendorEvent = {
  readonly eventId: string;
  readonly type: string;
  readonly createdAt: Date | null;
  /** As written; `null` if the event names none. */
  readonly transactionId: string | null;
  readonly resultId: string | null;
};

/** The only event whose form is documented. */
export const transactionStateUpdated = 'transaction.state.updated';
/** This event exists; its payload is UNKNOWN. */
const taskStateUpdated = 'task.state.updated';
/** The events that the vendor sends by default. */
export const knownEvents = [transactionStateUpdated, taskStateUpdated] as const;

const visible = (maxLength: number) => z.string().regex(new RegExp(`^[!-~]{1,${maxLength}}$`));
const envelope = z.object({
  id: visible(200),
  type: visible(100),
  created: z.unknown().optional(),
  transaction: z.unknown().optional(),
});
const documented = z.object({ id: visible(128), resultId: visible(128).or(z.literal('')).nullish() });

/** The event whose form is documented, in whole. */
export const documentedEvent = envelope.extend({ transaction: documented.loose() }).loose();

/**
 * Reads an event. Only what makes it unusable is an error: no valid ID or type or, if the form is documented, no valid
 * transaction. An invalid time is read as no time.
 *
 * @returns the names of wrong fields, never their content.
 */
export function readEvent(json: unknown): { readonly event: VendorEvent } | { readonly wrong: readonly string[] } {
  const parsed = envelope.safeParse(json);
  if (!parsed.success) return { wrong: wrongFields(parsed.error, []) };
  const { id: eventId, type, created } = parsed.data;
  const transaction = documented.safeParse(parsed.data.transaction);
  if (!transaction.success && type === transactionStateUpdated)
    return { wrong: wrongFields(transaction.error, ['transaction']) };
  const createdAt = optionalInstant.safeParse(created).data ?? null;
  const transactionId = transaction.data?.id ?? null;
  const resultId = transaction.data?.resultId;
  return { event: { eventId, type, createdAt, transactionId, resultId: resultId ? resultId : null } };
}

const wrongFields = (error: z.ZodError, below: readonly string[]): string[] => [
  ...new Set(error.issues.map(({ path }) => [...below, ...path].join('.') || 'body')),
];
