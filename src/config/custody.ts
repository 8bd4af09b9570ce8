import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Environment, wholeNumber } from './values.ts';

/** How stored documents are kept. */
export type CustodyConfig = {
  /** Base64 of the masters that keys are sealed to; empty = the pair below the data folder, made once. */
  readonly publicKeys: readonly string[];
  /** The file with the secret keys, for whoever may read; `undefined` = the one below the data folder, if it is there. */
  readonly secretKeyFile: string | undefined;
  /** `undefined` = kept until erased. */
  readonly retentionDays: { readonly document: number | undefined; readonly audit_report: number | undefined };
  readonly erasureDelayDays: number;
};

const base64Key = /^[A-Za-z0-9+/]{43}=$/;

export const custodyVariables = {
  DOCUMENTS_PUBLIC_KEYS: z
    .string()
    .transform((text) => text.split(',').map((one) => one.trim()))
    .refine(
      (keys) => keys.every((key) => base64Key.test(key)),
      'must be keys of 44 characters in base64, with commas between',
    )
    .optional(),
  DOCUMENTS_SECRET_KEY_FILE: z.string().optional(),
  RETENTION_DOCUMENTS_DAYS: wholeNumber(1, 36_500).optional(),
  RETENTION_AUDIT_REPORTS_DAYS: wholeNumber(1, 36_500).optional(),
  ERASURE_DELAY_DAYS: wholeNumber(0, 365).default(7),
};

type CustodyVariables = z.output<ReturnType<typeof z.object<typeof custodyVariables>>>;

export const custodyConfig = (env: CustodyVariables): CustodyConfig =>
  Object.freeze({
    publicKeys: Object.freeze([...new Set(env.DOCUMENTS_PUBLIC_KEYS ?? [])]),
    secretKeyFile: env.DOCUMENTS_SECRET_KEY_FILE,
    retentionDays: Object.freeze({
      document: env.RETENTION_DOCUMENTS_DAYS,
      audit_report: env.RETENTION_AUDIT_REPORTS_DAYS,
    }),
    erasureDelayDays: env.ERASURE_DELAY_DAYS,
  });

/** A mounted secret that cannot be read is told with the other mistakes. */
export function checkSecretKeyFile(given: Environment, problems: string[]): void {
  const file = given['DOCUMENTS_SECRET_KEY_FILE'];
  if (file === undefined) return;
  try {
    const keys = readFileSync(file, 'utf8')
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '');
    if (keys.length === 0 || !keys.every((key) => base64Key.test(key.trim())))
      problems.push('DOCUMENTS_SECRET_KEY_FILE names a file that has other lines than keys of 44 characters in base64');
  } catch (cause) {
    problems.push(
      `DOCUMENTS_SECRET_KEY_FILE names a file that cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
    );
  }
}
