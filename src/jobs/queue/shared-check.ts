import { within } from '../../within.ts';

/** Checks by name: whether something can be used. */
export type Checks = Readonly<Record<string, () => Promise<boolean>>>;

/** Probes and monitors give up after some seconds. This leaves time for the rest of the response. */
const answerWithinMs = 2_000;
const keptMs = 1_000;

/**
 * Makes a check that anybody may call as often as they like. One run serves all callers during it and for a second
 * after. A failed or slow run counts as `otherwise`. A run that hangs is waited for; a second one never starts beside
 * it.
 */
export function sharedCheck<T>(check: () => Promise<T>, otherwise: T): () => Promise<T> {
  let running: Promise<T> | undefined;
  let latest: { readonly atMs: number; readonly value: T } | undefined;
  const begin = async (): Promise<T> => {
    const value = await check().catch(() => otherwise);
    latest = { atMs: performance.now(), value };
    running = undefined;
    return value;
  };
  return async () => {
    if (latest && performance.now() - latest.atMs < keptMs) return latest.value;
    return within(answerWithinMs, (running ??= begin()), () => new Error('late')).catch(() => otherwise);
  };
}
