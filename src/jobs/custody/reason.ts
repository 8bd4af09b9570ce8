const longest = 500;

/** A reason as somebody gave it, on one line; `undefined` = there is none. */
export function reasonIn(given: string): string | undefined {
  const reason = given
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, longest);
  return reason === '' ? undefined : reason;
}
