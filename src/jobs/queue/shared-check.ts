import { within } from '../../within.ts';

/** Whether something can be used, by name. */
export type Checks = Readonly<Record<string, () => Promise<boolean>>>;

/** Probes and monitors wait some seconds; together with the rest of an answer this is less. */
const answerWithinMs = 2_000;
const keptMs = 1_000;

/**
 * Makes a check that anybody may ask for, as often as they like. One look serves all who ask meanwhile and shortly after.
 * What fails or takes too long is `otherwise`; a look that hangs is waited for, never repeated beside itself.
 */
export function sharedCheck<T>(look: () => Promise<T>, otherwise: T): () => Promise<T> {
  let looking: Promise<T> | undefined;
  let seen: { readonly atMs: number; readonly outcome: T } | undefined;
  const begin = async (): Promise<T> => {
    const outcome = await look().catch(() => otherwise);
    seen = { atMs: performance.now(), outcome };
    looking = undefined;
    return outcome;
  };
  return async () => {
    if (seen && performance.now() - seen.atMs < keptMs) return seen.outcome;
    return within(answerWithinMs, (looking ??= begin()), () => new Error('late')).catch(() => otherwise);
  };
}
