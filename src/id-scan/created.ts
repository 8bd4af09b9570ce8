import { z } from 'zod';
import { normaliseId } from '../domain/transaction-id.ts';
import type { Reading } from './answers.ts';
import { instant } from './fields.ts';

/** A new transaction. `url` is for the person who is verified alone: whoever has it can perform the tasks. */
export type CreatedTransaction = {
  readonly transactionId: string;
  /** `null` = the answer has none, or none that can be read. */
  readonly url: string | null;
  /** When it expires; `null` = the answer does not say, or not so that it can be read. */
  readonly expires: Date | null;
};

/**
 * What is used of the answer to a creation. The names are those of the details (INF), so all but the ID may be of any
 * form: a transaction whose ID is not kept is in no report.
 */
const created = z.object({
  id: z.string(),
  url: z
    .string()
    .refine((text) => /^https?:\/\//.test(text) && URL.canParse(text))
    .nullable()
    .catch(null),
  expires: z
    .string()
    .transform((text) => text.replace(' ', 'T').replace(/([+-]\d\d):?(\d\d)?$/, wholeOffset))
    .pipe(instant)
    .nullable()
    .catch(null),
});

/** An offset may be written without its colon or minutes. */
const wholeOffset = (_offset: string, hours: string, minutes = '00'): string => `${hours}:${minutes}`;

/** Reads the answer to a creation. Never quotes it: its URL is a secret. */
export function readCreated(json: unknown): Reading<CreatedTransaction> {
  const read = created.safeParse(json);
  const transactionId = read.success ? normaliseId(read.data.id) : undefined;
  if (!read.success || transactionId === undefined)
    return { problem: 'invalid', reason: 'the field id is missing or of another form' };
  const { url, expires } = read.data;
  return { facts: { transactionId, url, expires } };
}
