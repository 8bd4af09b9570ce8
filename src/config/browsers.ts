import { z } from 'zod';
import { isLoopback } from './urls.ts';
import { type Environment, secret, wholeNumber } from './values.ts';

/** Pages of other sites that may say what becomes of a transaction. Contains a secret: never logged. */
export type BrowserConfig = {
  /** As browsers send them: `https://shop.example`. */
  readonly origins: readonly string[];
  /** Signs their tokens: 32 bytes. */
  readonly tokenKey: Uint8Array;
  readonly tokenMinutes: number;
};

const isOrigin = (text: string): boolean => {
  const url = URL.parse(text);
  const isWritten = url?.origin === text && !text.includes('*');
  return isWritten && (url.protocol === 'https:' || isLoopback(url));
};

const schema = z.object({
  BROWSER_ORIGINS: z
    .string()
    .default('')
    .transform((text) => text.split(',').map((one) => one.trim()))
    .transform((all) => all.filter((one) => one !== ''))
    .refine(
      (all) => all.every(isOrigin),
      'must be origins such as https://shop.example, comma-separated, without a path (plain http for loopback addresses alone)',
    ),
  BROWSER_TOKEN_MINUTES: wholeNumber(5, 1_440).default(60),
});

/** Reads the variables about browsers. Adds every mistake to `problems`. `undefined` = no page of another site. */
export function browserConfig(given: Environment, problems: string[]): BrowserConfig | undefined {
  const parsed = schema.safeParse(given);
  if (!parsed.success) problems.push(...parsed.error.issues.map((one) => `${one.path.join('.')} ${one.message}`));
  const key = secret(given, 'BROWSER_TOKEN_KEY', false, problems);
  if (key !== undefined && !/^[0-9a-f]{64}$/i.test(key))
    problems.push('BROWSER_TOKEN_KEY must be 32 bytes in hex (64 digits)');
  const origins = parsed.data?.BROWSER_ORIGINS ?? [];
  if (parsed.success && origins.length > 0 && key === undefined)
    problems.push('BROWSER_ORIGINS needs BROWSER_TOKEN_KEY, which signs what pages send');
  if (!parsed.success || origins.length === 0 || key === undefined) return undefined;
  return Object.freeze({
    origins,
    tokenKey: Buffer.from(key, 'hex'),
    tokenMinutes: parsed.data.BROWSER_TOKEN_MINUTES,
  });
}
