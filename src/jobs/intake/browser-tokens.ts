import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { BrowserConfig } from '../../config/browsers.ts';
import { normaliseId } from '../../domain/transaction-id.ts';
import { LedgerError } from '../../errors.ts';

/** What a browser's token says: one transaction, shown on one site, for a while. */
export type BrowserToken = {
  /** Tells tokens apart; several tokens may be made for one transaction. */
  readonly id: string;
  readonly transactionId: string;
  /** The site that may send it. */
  readonly origin: string;
  readonly expiresAt: Date;
};

/** The page may report a little after the transaction's end. */
const afterExpiryMs = 5 * 60_000;
const maxLength = 1_024;
const context = 'idscan-ledger browser token 1\n';

const content = z.object({ i: z.uuid(), t: z.string(), o: z.string(), e: z.int().positive() });

/**
 * Makes a token for a page that shows a transaction. Whoever has it can say one thing: which result the transaction
 * has. It is no secret towards the person who is verified.
 *
 * @param expires when the transaction does; the token does not outlive it by more than 5 minutes.
 */
export function issueBrowserToken(
  { tokenKey, tokenMinutes }: BrowserConfig,
  { transactionId, origin, expires }: { transactionId: string; origin: string; expires: Date | null },
  now: Date,
): { readonly token: string; readonly expires: Date } {
  const longestMs = now.getTime() + tokenMinutes * 60_000;
  const endsMs = Math.min(longestMs, expires === null ? longestMs : expires.getTime() + afterExpiryMs);
  const seconds = Math.floor(endsMs / 1_000);
  const said = Buffer.from(JSON.stringify({ i: randomUUID(), t: transactionId, o: origin, e: seconds }));
  const payload = said.toString('base64url');
  return {
    token: `${payload}.${signatureOf(tokenKey, payload)}`,
    expires: new Date(seconds * 1_000),
  };
}

/**
 * Reads a token. Nothing is looked up: an answer does not depend on whether a transaction exists.
 *
 * @throws LedgerError `browser_token_invalid` for one that was not made here, `browser_token_expired`
 */
export function readBrowserToken({ tokenKey }: BrowserConfig, given: string, now: Date): BrowserToken {
  const [payload = '', signature = '', ...rest] = given.length <= maxLength ? given.split('.') : [];
  const isOurs = isSame(signature, signatureOf(tokenKey, payload));
  const read = isOurs && rest.length === 0 ? contentOf(payload) : undefined;
  if (!read)
    throw new LedgerError('browser_token_invalid', 'The token was not made by this service.', {
      hint: 'Have the server of the page create a transaction, and give the page the token of its answer.',
    });
  if (read.expiresAt <= now)
    throw new LedgerError('browser_token_expired', 'The token has expired.', {
      hint: 'Nothing is lost: the result is found without the page, by webhook or after the transaction’s end.',
    });
  return read;
}

const signatureOf = (key: Uint8Array, payload: string): string =>
  createHmac('sha256', key)
    .update(context + payload)
    .digest('base64url');

/**
 * Compares digests, so that the time says nothing of how much of a signature was right; of the texts, because the same
 * bytes have several spellings.
 */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function contentOf(payload: string): BrowserToken | undefined {
  const read = content.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString()));
  const transactionId = read.success ? normaliseId(read.data.t) : undefined;
  if (!read.success || transactionId === undefined) return undefined;
  const { i: id, o: origin, e: seconds } = read.data;
  return { id, transactionId, origin, expiresAt: new Date(seconds * 1_000) };
}
