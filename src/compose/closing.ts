import { orAfter } from '../within.ts';

/** Something built, and the way to end it. `close` may be called again. */
export type Composed<T> = { readonly context: T; readonly close: () => Promise<void> };

/** Takes a step to be done at the end. */
export type Add = (step: () => Promise<unknown>) => void;

/** A server that does not answer keeps nobody from ending. */
const closeDeadlineMs = 5_000;

/** Ends in reverse order of building; one failure does not keep the rest open. */
function closers() {
  const steps: (() => Promise<unknown>)[] = [];
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    for (const step of steps.reverse())
      await orAfter(
        closeDeadlineMs,
        Promise.resolve()
          .then(step)
          .catch(() => undefined),
        undefined,
      );
  };
  return { add: (step: () => Promise<unknown>) => steps.push(step), close: () => (closing ??= close()) };
}

/** Builds in order; what was built is closed again if a later step fails. */
export async function building<T>(build: (add: Add) => Promise<T>): Promise<Composed<T>> {
  const { add, close } = closers();
  try {
    return { context: await build((step) => void add(step)), close };
  } catch (error) {
    await close();
    throw error;
  }
}
