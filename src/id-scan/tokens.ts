/** What signs: the key's ID, its secret (used as raw UTF-8, DOC) and how long a token lives, in whole seconds. */
export type TokenKey = { readonly keyId: string; readonly keySecret: string; readonly ttlSeconds: number };

export type TokenSource = {
  /** The token in use, or a new one shortly before it expires. Concurrent callers share one signing. */
  current(): Promise<string>;
  /** A token newer than the one the vendor refused; callers that were refused together get the same one. */
  renew(refused: string): Promise<string>;
};

type Held = { readonly token: Promise<string>; readonly fromSeconds: number; readonly untilSeconds: number };

/**
 * One token, HS256, header `alg, typ, kid` and payload `iat, nbf, exp` in this order (DOC): the vendor's documented
 * example is reproduced byte for byte.
 *
 * @param issuedAtSeconds whole UNIX seconds.
 */
export async function signToken(key: TokenKey, issuedAtSeconds: number): Promise<string> {
  // Loaded with the first token: a worker at rest does without.
  const { SignJWT } = await import('jose');
  return new SignJWT({ iat: issuedAtSeconds, nbf: issuedAtSeconds, exp: issuedAtSeconds + key.ttlSeconds })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: key.keyId })
    .sign(new TextEncoder().encode(key.keySecret));
}

/**
 * How long before `exp` a token is no longer used, in seconds: a tenth of its life and at least 5 s, for clocks that
 * differ and requests under way, but never more than half its life. The vendor's leeway is UNKNOWN.
 */
export function renewalMarginSeconds(ttlSeconds: number): number {
  return Math.min(Math.max(5, ttlSeconds / 10), ttlSeconds / 2);
}

/** Holds one token and replaces it in time. A token from the future (the clock was set back) is replaced as well. */
export function createTokenSource(key: TokenKey, now: () => Date): TokenSource {
  let held: Held | null = null;

  const sign = (nowMs: number): Held => {
    const fromSeconds = Math.floor(nowMs / 1_000);
    const fresh: Held = {
      token: signToken(key, fromSeconds),
      fromSeconds,
      untilSeconds: fromSeconds + key.ttlSeconds - renewalMarginSeconds(key.ttlSeconds),
    };
    fresh.token.catch(() => {
      if (held === fresh) held = null;
    });
    return fresh;
  };

  const current = (): Promise<string> => {
    const nowMs = now().getTime();
    const isUsable = held !== null && nowMs >= held.fromSeconds * 1_000 && nowMs < held.untilSeconds * 1_000;
    if (held === null || !isUsable) held = sign(nowMs);
    return held.token;
  };

  return {
    current,
    renew: async (refused) => {
      const seen = held;
      const isRefused = (await seen?.token) === refused;
      if (isRefused && held === seen) held = null;
      return current();
    },
  };
}
