import type { ErrorCode } from './error-table.ts';

export type { ErrorCode } from './error-table.ts';

export type ErrorFields = Readonly<Record<string, string | number | boolean | null>>;

/**
 * The one error class. `message` says what happened and to what; `hint` says what to do next.
 * Neither contains personal data, URLs from the vendor, or secrets.
 *
 * @example
 * throw new LedgerError('vendor_not_found', 'The vendor knows no transaction 42.', { fields: { status: 404 } });
 */
export class LedgerError extends Error {
  readonly code: ErrorCode;
  readonly fields: ErrorFields;
  readonly hint: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { fields?: ErrorFields; hint?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LedgerError';
    this.code = code;
    this.fields = Object.freeze({ ...options.fields });
    this.hint = options.hint;
  }
}

/** The code of any thrown value. A value without one is a bug and counts as `internal`. */
export function errorCode(error: unknown): ErrorCode {
  return error instanceof LedgerError ? error.code : 'internal';
}

/** The package that an import did not find; `undefined` = it failed for another reason, or nothing was imported. */
export function missingPackage(error: unknown): string | undefined {
  if (!(error instanceof Error) || (error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') return undefined;
  return /^Cannot find package '([^']+)'/.exec(error.message)?.[1];
}
