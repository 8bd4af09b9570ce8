import { z } from 'zod';
import { normaliseId } from '../domain/transaction-id.ts';
import type { Reading } from './answers.ts';

/** A new transaction. `url` is for the person who is verified alone: whoever has it can perform the tasks. */
export type CreatedTransaction = {
  readonly transactionId: string;
  readonly url: string;
  /** When it expires; `null` = the answer does not say. */
  readonly expires: Date | null;
};

/** What is used of the answer to a creation. The names are those of the details (INF). */
const created = z.object({
  id: z.string(),
  url: z.string().refine((text) => /^https?:\/\//.test(text) && URL.canParse(text)),
  expires: z.iso.datetime({ offset: true }).nullish(),
});

/** Reads the answer to a creation. Never quotes it: its URL is a secret. */
export function readCreated(json: unknown): Reading<CreatedTransaction> {
  const read = created.safeParse(json);
  const transactionId = read.success ? normaliseId(read.data.id) : undefined;
  if (!read.success || transactionId === undefined) {
    const place = read.error?.issues[0]?.path.join('.') ?? 'id';
    return { problem: 'invalid', reason: `the field ${place} is missing or of another form` };
  }
  const { url, expires } = read.data;
  return { facts: { transactionId, url, expires: expires ? new Date(expires) : null } };
}
