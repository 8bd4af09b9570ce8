import { asDatabaseError } from '../db/errors.ts';
import { errorCode } from '../errors.ts';
import type { Context } from './context.ts';

const intervalMs = 30_000;
const saidAtMs = new WeakMap<Context['log'], number>();

/**
 * Says that Postgres cannot be worked with, and of what: once in 30 s for all parts of a process that write to the same
 * log, for all of them meet it, again and again.
 */
export function sayDatabaseAway(log: Context['log'], thrown: unknown): void {
  const nowMs = performance.now();
  if (nowMs - (saidAtMs.get(log) ?? -Infinity) < intervalMs) return;
  saidAtMs.set(log, nowMs);
  const error = asDatabaseError(thrown);
  log.warn({ server: 'postgres', code: errorCode(error), message: error.message }, 'waiting for postgres');
}
