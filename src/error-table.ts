import { bookErrors } from './error-codes/books.ts';
import { dependencyErrors } from './error-codes/dependencies.ts';
import { requestErrors } from './error-codes/requests.ts';
import { vendorErrors } from './error-codes/vendor.ts';
import type { ErrorEntry } from './error-codes/entry.ts';

const table = {
  ...requestErrors,
  ...vendorErrors,
  ...dependencyErrors,
  ...bookErrors,
} as const;

export type ErrorCode = keyof typeof table;

/**
 * Every failure that this program knows by name, and what follows from it. Codes are stored, logged, counted and acted
 * upon, so a released code never changes its meaning. docs/operations.md repeats the table for operators.
 */
export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = table;

/** The codes of a document store that cannot be used, whatever the file. */
export const storeCodes: readonly ErrorCode[] = Object.entries(errorTable).flatMap(([code, { isOfStore }]) =>
  isOfStore ? [code as ErrorCode] : [],
);

/** Whether a stored code is one that this version knows. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorTable, text);
