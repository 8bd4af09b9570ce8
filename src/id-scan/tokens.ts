/**
 * What tokens are signed with: the key's ID, its secret (used as raw UTF-8, DOC), and a token's lifetime in whole
 * seconds.
 */
export type TokenKey = { readonly keyId: string; readonly keySecret: string; readonly ttlSeconds: number };

export type TokenSource = {
  /** The current token, or a new one shortly before it expires. Concurrent callers share one signing. */
  current(): Promise<string>;
  /** A token newer than the one that the vendor refused. Callers that were refused together get the same one. */
  renew(refused: string): Promise<string>;
};

type Held = { readonly token: Promise<string>; readonly fromSeconds: number; readonly untilSeconds: number };

/**
 * Signs one token: HS256, with the header `alg, typ, kid` and the payload `iat, nbf, exp` in this order (DOC).
 * Reproduces the vendor's documented example byte for byte.
 *
 * @param issuedAtSeconds whole UNIX seconds.
 */
export async function signToken(key: TokenKey, issuedAtSeconds: number): Promise<string> {
  // Loaded with the first token: an idle worker does not need it.
  const { SignJWT } = await import('jose');
  return new SignJWT({ iat: issuedAtSeconds, nbf: issuedAtSeconds, exp: issuedAtSeconds + key.ttlSeconds })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: key.keyId })
    .sign(new TextEncoder().encode(key.keySecret));
}

/**
 * How many seconds before `exp` a token is no longer used: a tenth of its lifetime and at least 5 s, because of clock
 * skew and running requests, but at most half its lifetime. The vendor's leeway is UNKNOWN.
 */
export function renewalMarginSeconds(ttlSeconds: number): number {
  return Math.min(Math.max(5, ttlSeconds / 10), ttlSeconds / 2);
}

/** Keeps one token and replaces it in time. Also replaces a token from the future, after the clock was set back. */
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
