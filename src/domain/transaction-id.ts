export const idPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Nearly all of them, quickly told. */
const storedUuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * An ID in the one form it is stored in; `undefined` = not an ID. The vendor does not document a form; UUIDs, as in
 * its examples, are the same in upper and lower case, so they are stored in lower case.
 */
export function normaliseId(text: string): string | undefined {
  if (storedUuid.test(text)) return text;
  const trimmed = text.trim();
  if (!idPattern.test(trimmed)) return undefined;
  return uuidPattern.test(trimmed) ? trimmed.toLowerCase() : trimmed;
}
