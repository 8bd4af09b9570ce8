import { CommanderError } from 'commander';
import type { Logger } from 'pino';
import {
  type Config,
  loadConfig,
  type NotificationConfig,
  readEnvironment,
  type ServiceConfig,
  type VendorKey,
} from '../config/config.ts';
import { asDatabaseError } from '../db/database.ts';
import { errorTable } from '../error-table.ts';
import { errorCode, LedgerError, missingPackage } from '../errors.ts';
import { printable, remark } from './output.ts';

/** 0 done, 1 failed in part or whole, 2 usage or configuration, 3 refused because something blocks it. */
export type ExitCode = 0 | 1 | 2 | 3 | 129 | 130 | 143;

/** What a command gets: the configuration, and a signal that aborts when a person or the system ends the command. */
export type CommandInput = {
  readonly config: Config;
  readonly signal: AbortSignal;
};

/** Runs a command that needs no configuration, so that it works in a broken environment. */
export function runPlainCommand(command: (signal: AbortSignal) => Promise<ExitCode>): Promise<ExitCode> {
  return guarded(command, endTimeoutMs);
}

/** Takes a running command and waits for its exit code. */
export type Finish = (running: Promise<ExitCode>) => Promise<void>;

/** Runs a command that needs no vendor key. @param timeoutMs how long it may take to end after a signal. */
export function runCommand(
  command: (input: CommandInput) => Promise<ExitCode>,
  timeoutMs = endTimeoutMs,
): Promise<ExitCode> {
  return guarded((signal) => command({ ...loadConfig(readEnvironment(), { vendorKey: false }), signal }), timeoutMs);
}

/** What worker commands get in addition: the vendor's key, and the configuration of notifications. */
export type WorkerInput = CommandInput & {
  readonly vendorKey: VendorKey;
  readonly notifications: NotificationConfig | undefined;
};

/** Runs a command that runs workers. */
export function runWorkerCommand(command: (input: WorkerInput) => Promise<ExitCode>): Promise<ExitCode> {
  return guarded((signal) => {
    const { config, vendorKey, notifications } = loadConfig(readEnvironment(), {
      vendorKey: true,
      notifications: true,
    });
    if (!vendorKey) throw new LedgerError('config_invalid', 'The vendor key is not set.');
    return command({ config, vendorKey, notifications, signal });
  }, stopTimeoutMs);
}

export type ServiceInput = CommandInput & {
  readonly service: ServiceConfig;
  readonly vendorKey: VendorKey | undefined;
  /** Set wherever a key is configured, also if the command can do without. */
  readonly creatingKey: VendorKey | undefined;
  readonly notifications: NotificationConfig | undefined;
};

/**
 * Runs a command for the HTTP service.
 *
 * @param needs.vendorKey whether it calls the vendor.
 * @param needs.notifications whether it runs workers, which send notifications.
 */
export function runServiceCommand(
  needs: { readonly vendorKey: boolean; readonly notifications?: boolean },
  command: (input: ServiceInput) => Promise<ExitCode>,
): Promise<ExitCode> {
  return guarded((signal) => {
    const { config, vendorKey, service, notifications } = loadConfig(readEnvironment(), { ...needs, service: true });
    if (!service) throw new LedgerError('config_invalid', 'The service is not configured.');
    const needed = needs.vendorKey ? vendorKey : undefined;
    return command({ config, service, vendorKey: needed, creatingKey: vendorKey, notifications, signal });
  }, stopTimeoutMs);
}

/**
 * How long a command may take to end after a signal. It may be waiting for a lock in Postgres or a disk that does not
 * answer; what it has begun is taken back or done again, as after a power cut.
 */
const endTimeoutMs = 3_000;
/** The same for what lets jobs and requests finish first: it has deadlines of its own, and this much for the rest. */
export const stopTimeoutMs = 35_000;

/** Within this time, another SIGINT counts as a duplicate of the first one. */
const echoMs = 300;

/** The signals that end a command, with its exit code. */
const endingSignals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Gives the command a signal that SIGHUP, SIGINT and SIGTERM abort, and turns its errors into messages and an exit
 * code. A second signal ends the process at once; so does the first one after a time.
 */
async function guarded(command: (signal: AbortSignal) => Promise<ExitCode>, timeoutMs: number): Promise<ExitCode> {
  const ending = new AbortController();
  let firstAtMs = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  const onSignal = (name: keyof typeof endingSignals) => {
    // When a terminal is closed, both the shell and the kernel say so.
    if (name === 'SIGHUP' && ending.signal.aborted) return;
    // On Ctrl-C the terminal sends SIGINT, and npx sends it again. Both are one request.
    if (name === 'SIGINT' && performance.now() - firstAtMs < echoMs) return;
    const interrupted = new LedgerError('interrupted', `Ended by ${name}.`, { fields: { signal: name } });
    if (ending.signal.aborted) process.exit(exitCodeOf(interrupted));
    firstAtMs = performance.now();
    timer = setTimeout(() => process.exit(exitCodeOf(interrupted)), timeoutMs);
    ending.abort(interrupted);
  };
  const names = Object.keys(endingSignals) as (keyof typeof endingSignals)[];
  for (const name of names) process.on(name, onSignal);
  try {
    return await command(ending.signal);
  } catch (error) {
    if (ending.signal.aborted) return exitCodeOf(ending.signal.reason);
    return report(asDatabaseError(error));
  } finally {
    clearTimeout(timer);
    for (const name of names) process.off(name, onSignal);
  }
}

/** Prints what went wrong, and what to do next. Prints a stack trace only for a bug. */
export function report(error: unknown): ExitCode {
  if (error instanceof LedgerError) {
    const { vendorMessage } = error.fields;
    remark(error.message);
    if (typeof vendorMessage === 'string') remark(printable(`It says: ${vendorMessage}`));
    if (error.hint !== undefined) remark(error.hint);
    remark(`(${error.code})`);
  } else if (missingPackage(error) !== undefined) {
    remark(`The package ${missingPackage(error)} is not installed: it is an optional part of this program.`);
    remark('Install without --omit=optional; a program that only enqueues needs no more than it has.');
  } else if (!(error instanceof CommanderError)) {
    remark(
      `This is a fault of the program, please report it.\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
  return exitCodeOf(error);
}

/**
 * Runs what follows a start. Where the log goes to a file or a collector, a failure is a line of the log like any other,
 * not words for a person.
 */
export async function onceStarted(log: Logger, signal: AbortSignal, work: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await work();
  } catch (thrown) {
    if (signal.aborted || process.stderr.isTTY || log.level === 'silent') throw thrown;
    const error = asDatabaseError(thrown);
    const { hint } = error instanceof LedgerError ? error : {};
    log.fatal({ err: error, code: errorCode(error), hint }, 'ended by a failure');
    return exitCodeOf(error);
  }
}

/** Says in one line that what was printed is not whole. */
export async function reportUnwritten(cause: NodeJS.ErrnoException): Promise<void> {
  const { asStorageError } = await import('../reports/publish.ts');
  const code = errorCode(asStorageError(cause, 'stdout'));
  remark(`The output is not whole: writing to stdout failed with ${cause.code ?? cause.message}. (${code})`);
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (missingPackage(error) !== undefined) return 2;
  if (!(error instanceof LedgerError)) return 1;
  if (error.code === 'interrupted') {
    const [, code] = Object.entries(endingSignals).find(([name]) => name === error.fields['signal']) ?? [];
    return code ?? endingSignals.SIGINT;
  }
  return errorTable[error.code].exit;
}

/** Whether the log level is set explicitly. */
export const isLogLevelGiven = (): boolean => (readEnvironment()['LOG_LEVEL'] ?? '') !== '';

/** The error for wrong arguments of a command. */
export const usageError = (message: string, hint?: string): LedgerError =>
  new LedgerError('usage_invalid', message, hint === undefined ? {} : { hint });

/** Stops a long command between two steps after the signal. */
export function throwIfEnding(signal: AbortSignal): void {
  if (signal.aborted) throw signal.reason instanceof Error ? signal.reason : new LedgerError('interrupted', 'Ended.');
}
