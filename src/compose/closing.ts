import { orAfter } from '../within.ts';

/** Something built, and how to close it. `close` may be called again. */
export type Composed<T> = { readonly context: T; readonly close: () => Promise<void> };

/** Adds a step to be done at the end. */
export type Add = (step: () => Promise<unknown>) => void;

/** Limits each step, so that a server that does not answer cannot keep the process from ending. */
const closeDeadlineMs = 5_000;

/** Runs the steps in reverse order. A failed step does not prevent the others. */
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

/** Builds in order. If a step fails, what was built before is closed again. */
export async function building<T>(build: (add: Add) => Promise<T>): Promise<Composed<T>> {
  const { add, close } = closers();
  try {
    return { context: await build((step) => void add(step)), close };
  } catch (error) {
    await close();
    throw error;
  }
}
