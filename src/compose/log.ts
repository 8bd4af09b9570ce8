import { destination, pino } from 'pino';
import type { Config } from '../config/config.ts';
import { LedgerError } from '../errors.ts';
import { refusalOf } from '../redis/refusal.ts';
import { createSeldom } from '../seldom.ts';
import type { Context } from '../jobs/context.ts';

/** Logs are JSON lines on stderr. Only harmless parts of an error are logged. */
export function createLog(level: Config['logLevel']): Context['log'] {
  const stderr = destination({ fd: 2, sync: true });
  // A terminal that was closed, or a full disk, must not prevent an orderly close.
  stderr.on('error', () => undefined);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: {
        err: describeError,
      },
    },
    stderr,
  );
}

/** A database error also carries values of rows (`detail`, `where`), which must not be logged. */
function describeError(error: Error): object {
  if (error instanceof LedgerError)
    return { code: error.code, message: error.message, fields: error.fields, cause: causeOf(error) };
  const { code } = error as NodeJS.ErrnoException;
  return { type: error.name, ...(code === undefined ? {} : { code }), message: error.message, stack: error.stack };
}

const causeOf = ({ cause }: LedgerError): string | undefined => (cause instanceof Error ? cause.message : undefined);

/** Logs trouble with Redis once in half a minute, not at every try. */
export function logRedisTrouble({ log }: Pick<Context, 'log'>): (error: Error) => void {
  const shouldReport = createSeldom();
  return (error) => {
    // BullMQ uses connections that are not up yet. It waits for them by itself.
    if (error.message.startsWith("Stream isn't writeable")) return;
    const fields = { server: 'redis', code: 'queue_unavailable', message: error.message };
    // An error of one job, such as `Missing key for job` after all keys were lost.
    if (typeof (error as { code?: unknown }).code === 'number') {
      if (shouldReport('job')) log.warn(fields, 'redis lost a job, it will be put back');
      return;
    }
    if (!shouldReport('redis')) return;
    const reason = refusalOf(error)?.reason;
    if (reason === undefined) log.warn(fields, 'connection trouble, trying again');
    else log.warn({ ...fields, reason }, 'redis refuses commands, trying again');
  };
}
