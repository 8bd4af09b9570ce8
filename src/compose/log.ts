import { destination, pino } from 'pino';
import type { Config } from '../config/config.ts';
import { LedgerError } from '../errors.ts';
import { refusalOf } from '../redis/refusal.ts';
import { createSeldom } from '../seldom.ts';
import type { Context } from '../jobs/context.ts';

/** Logs are JSON lines on stderr. Of an error only what is known to be harmless is logged. */
export function createLog(level: Config['logLevel']): Context['log'] {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: {
        err: describeError,
      },
    },
    destination({ fd: 2, sync: true }),
  );
}

/** A database's error also carries values of rows (`detail`, `where`): they stay out. */
function describeError(error: Error): object {
  if (error instanceof LedgerError)
    return { code: error.code, message: error.message, fields: error.fields, cause: causeOf(error) };
  const { code } = error as NodeJS.ErrnoException;
  return { type: error.name, ...(code === undefined ? {} : { code }), message: error.message, stack: error.stack };
}

const causeOf = ({ cause }: LedgerError): string | undefined => (cause instanceof Error ? cause.message : undefined);

/** A Redis that is away or refuses is said once in half a minute, not at every try. */
export function logRedisTrouble({ log }: Pick<Context, 'log'>): (error: Error) => void {
  const isToTell = createSeldom();
  return (error) => {
    // BullMQ looks at a connection that is not up yet; it waits for it by itself.
    if (error.message.startsWith("Stream isn't writeable")) return;
    const told = { server: 'redis', code: 'queue_unavailable', message: error.message };
    // What is said of one job, such as `Missing key for job` after all keys were lost.
    if (typeof (error as { code?: unknown }).code === 'number') {
      if (isToTell('job')) log.warn(told, 'redis lost a job, it will be put back');
      return;
    }
    if (!isToTell('redis')) return;
    const reason = refusalOf(error)?.reason;
    if (reason === undefined) log.warn(told, 'connection trouble, trying again');
    else log.warn({ ...told, reason }, 'redis refuses commands, trying again');
  };
}
