import { destination, pino } from 'pino';
import type { Config } from '../config.ts';
import { errorCode, LedgerError } from '../errors.ts';
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

/** A server that is away is said once, not at every try. */
export function logConnection({ log }: Pick<Context, 'log'>, server: string): (error: Error) => void {
  let lastSaidAt = 0;
  return (error) => {
    // BullMQ looks at a connection that is not up yet; it waits for it by itself.
    if (error.message.startsWith("Stream isn't writeable")) return;
    if (Date.now() - lastSaidAt < 30_000) return;
    lastSaidAt = Date.now();
    log.warn({ server, code: errorCode(error), message: error.message }, 'connection trouble, trying again');
  };
}
