/** What is left of a call's time, shared by its request and the repeat after a 401. */
export type Budget = { leftMs: number };

/**
 * Runs `work` with a signal that aborts when the time is used up or `closing` aborts, whichever comes first.
 *
 * @param expired makes the error that the signal carries when the time is used up.
 */
export async function withBudget<Value>(
  budget: Budget,
  closing: AbortSignal,
  expired: () => Error,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  closing.throwIfAborted();
  if (budget.leftMs <= 0) throw expired();
  const controller = new AbortController();
  const onClosing = (): void => controller.abort(closing.reason);
  const startedMs = performance.now();
  const timer = setTimeout(() => controller.abort(expired()), budget.leftMs);
  closing.addEventListener('abort', onClosing);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    closing.removeEventListener('abort', onClosing);
    budget.leftMs -= performance.now() - startedMs;
  }
}

/** Settles like `promise`, but rejects with the signal's reason as soon as the signal aborts. */
export function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
