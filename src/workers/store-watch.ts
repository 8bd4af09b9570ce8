import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type ErrorCode, storeCodes } from '../error-table.ts';
import { errorCode, LedgerError } from '../errors.ts';

/** Failures that may mean that the document store itself is unusable, or the keys to it, not one file. */
const watchedCodes: readonly ErrorCode[] = [...storeCodes, 'master_mismatch'];

const firstPauseMs = 2_000;
/** Work must go on within 30 s of the store's return. Looking, and waking the worker, take some of that. */
const longestPauseMs = 15_000;
/** A failure so soon after the store was back counts as the same trouble. */
const sameTroubleMs = 30_000;

/** What is wrong with the store, since when, and how long until it is checked again. */
export type StoreTrouble = { readonly error: LedgerError; readonly sinceMs: number; readonly pauseMs: number };

/**
 * Notices that the document store cannot be used: its disk is unmounted, full, read-only, or owned by another user; or
 * that other masters are in use than this process seals to.
 * Meanwhile this process takes no file jobs, and running ones use up no attempts. Other processes are not affected: on
 * their machines the store may be usable.
 */
export type StoreWatch = {
  /**
   * @param beganAtMs when the failed work began, by this watch's clock.
   * @returns the trouble of the store, now or while the work ran; `undefined` = only this file failed.
   */
  readonly failed: (error: Error, beganAtMs: number) => Promise<StoreTrouble | undefined>;
  readonly now: () => number;
  readonly trouble: () => StoreTrouble | undefined;
  /** Resolves once no check is running any more. */
  readonly end: () => Promise<void>;
};

type PastTrouble = { readonly trouble: StoreTrouble; readonly endedAtMs: number; readonly lastPauseMs: number };

/** For runs that fetch no files. */
export const noStoreWatch: StoreWatch = {
  failed: () => Promise.resolve(undefined),
  now: () => 0,
  trouble: () => undefined,
  end: () => Promise.resolve(),
};

/**
 * @param options.check throws what is wrong with the store.
 * @param options.pause stops taking file jobs until `resume`.
 */
export function createStoreWatch(options: {
  readonly check: () => Promise<void>;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly log: Pick<Logger, 'info' | 'error'>;
  readonly now?: () => number;
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}): StoreWatch {
  const { check, pause, resume, log, now = () => performance.now(), wait = waited } = options;
  const ending = new AbortController();
  const isEnding = (): boolean => ending.signal.aborted;
  // An object, because it changes while callers wait.
  const state: { trouble?: StoreTrouble | undefined; past?: PastTrouble } = {};
  let checking: Promise<LedgerError | undefined> | undefined;
  let waiting: Promise<void> = Promise.resolve();
  /** Concurrent callers share one check. */
  const checkOnce = (): Promise<LedgerError | undefined> =>
    (checking ??= faultOf(check).finally(() => (checking = undefined)));
  const untilUsable = async (): Promise<void> => {
    for (let trouble = state.trouble; trouble; trouble = state.trouble) {
      await wait(trouble.pauseMs, ending.signal);
      if (isEnding()) return;
      const error = await checkOnce();
      if (error) state.trouble = { ...trouble, error, pauseMs: Math.min(longestPauseMs, trouble.pauseMs * 2) };
      else {
        log.info({ afterMs: Math.round(now() - trouble.sinceMs) }, 'the document store can be used again');
        state.past = { trouble: { ...trouble, pauseMs: firstPauseMs }, endedAtMs: now(), lastPauseMs: trouble.pauseMs };
        state.trouble = undefined;
        resume();
      }
    }
  };
  /**
   * A store that failed again shortly after it was back, such as a nearly full disk, is checked at growing intervals,
   * too.
   */
  const nextPauseMs = (): number => {
    if (!state.past || now() - state.past.endedAtMs > sameTroubleMs) return firstPauseMs;
    return Math.min(longestPauseMs, state.past.lastPauseMs * 2);
  };
  const begin = (error: LedgerError): StoreTrouble => {
    if (state.trouble) return state.trouble;
    state.trouble = { error, sinceMs: now(), pauseMs: nextPauseMs() };
    log.error({ err: error, code: error.code, hint: error.hint }, 'the document store cannot be used: files wait');
    pause();
    waiting = untilUsable();
    return state.trouble;
  };
  return {
    failed: async (failure, beganAtMs) => {
      if (!watchedCodes.includes(errorCode(failure))) return undefined;
      if (state.trouble || isEnding()) return state.trouble;
      const error = (await checkOnce()) ?? fullDisk(failure);
      // Work that began before the store was back may fail after that.
      if (!error) return state.past && beganAtMs < state.past.endedAtMs ? state.past.trouble : undefined;
      return begin(error);
    },
    now,
    trouble: () => state.trouble,
    end: () => {
      ending.abort();
      return waiting;
    },
  };
}

/** The failure itself says that a file did not fit. A check may still find room for its smaller probe. */
const fullDisk = (failure: Error): LedgerError | undefined =>
  failure instanceof LedgerError && failure.code === 'storage_full' ? failure : undefined;

async function faultOf(check: () => Promise<void>): Promise<LedgerError | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (error instanceof LedgerError) return error;
    return new LedgerError('storage_failed', 'The document store cannot be checked.', { cause: error });
  }
}

const waited = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);
