import { asDatabaseError } from '../db/errors.ts';
import { errorCode, LedgerError } from '../errors.ts';
import { createSeldom } from '../seldom.ts';
import type { Context } from './context.ts';

const told = new WeakMap<Context['log'], ReturnType<typeof createSeldom>>();

/**
 * Says that Postgres cannot be worked with, and why: of each reason once in 30 s for all parts of a process that write to
 * the same log, for all of them meet it, again and again.
 */
export function sayDatabaseAway(log: Context['log'], thrown: unknown): void {
  const error = asDatabaseError(thrown);
  const code = errorCode(error);
  const isToTell = told.get(log) ?? createSeldom();
  told.set(log, isToTell);
  const { hint } = error instanceof LedgerError ? error : {};
  if (isToTell(code)) log.warn({ server: 'postgres', code, message: error.message, hint }, 'waiting for postgres');
}
