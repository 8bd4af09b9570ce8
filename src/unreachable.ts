/**
 * Why a server could not be reached, as far as the system knows.
 *
 * @returns words to follow a colon, such as `nothing listens at its address`. They are safe to show to anybody.
 * `undefined` = unknown.
 */
export function whyUnreachable(error: unknown): string | undefined {
  const code = String((error as { code?: unknown } | undefined)?.code);
  if (/^(ENOTFOUND|EAI_)/.test(code)) return 'the name of its host cannot be resolved here';
  if (code === 'ECONNREFUSED') return 'nothing listens at its address';
  if (/^(EHOSTUNREACH|ENETUNREACH)$/.test(code)) return 'there is no route to its address';
  if (code === 'ETIMEDOUT') return 'its address accepts no connection in time';
  return undefined;
}
