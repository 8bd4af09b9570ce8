import { asDatabaseError } from '../db/errors.ts';
import { errorCode, LedgerError } from '../errors.ts';
import { createSeldom } from '../seldom.ts';
import type { Context } from './context.ts';

const limiters = new WeakMap<Context['log'], ReturnType<typeof createSeldom>>();

/**
 * Logs that Postgres cannot be used, and why. Every part of a process keeps meeting the same outage, so each reason is
 * logged once in 30 s per logger.
 */
export function sayDatabaseAway(log: Context['log'], thrown: unknown): void {
  const error = asDatabaseError(thrown);
  const code = errorCode(error);
  const shouldReport = limiters.get(log) ?? createSeldom();
  limiters.set(log, shouldReport);
  const { hint } = error instanceof LedgerError ? error : {};
  if (shouldReport(code)) log.warn({ server: 'postgres', code, message: error.message, hint }, 'waiting for postgres');
}

const told = new WeakSet<Context['log']>();

/** Logs once per logger that a newer version has migrated the database under this process. */
export function sayDatabaseNewer(log: Context['log']): void {
  if (told.has(log)) return;
  told.add(log);
  log.warn({ server: 'postgres' }, newerWords);
}

export const newerWords =
  'a newer version has migrated the database: this process goes on, but cannot be started again';
