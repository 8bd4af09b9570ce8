/** Ends whatever a test file opened, in reverse order; a failure to end fails the file. */
const ends: (() => Promise<unknown>)[] = [];

export const atEnd = (end: () => Promise<unknown>): void => void ends.push(end);

/** For the end of every file, and for nobody else. */
export async function endAll(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end();
}
