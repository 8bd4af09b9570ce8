import { createHmac, timingSafeEqual } from 'node:crypto';

export type TokenRules = {
  readonly keyId: string;
  readonly secret: string;
  /** The longest accepted `exp - iat`. */
  readonly maxLifeSeconds: number;
};

/** How far the two clocks may differ. */
const leewaySeconds = 5;
const maxTokenCharacters = 4096;

/**
 * What is wrong with an `Authorization` header; `null` = its bearer token is valid: HS256 over the header and payload
 * as received, the key ID in `kid`, whole seconds in `iat`, `nbf` and `exp`.
 */
export function tokenMistake(authorization: string | undefined, rules: TokenRules, nowMs: number): string | null {
  if (authorization === undefined) return 'Missing bearer token';
  const token = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization);
  if (!token || authorization.length > maxTokenCharacters) return 'Malformed bearer token';
  const [, header = '', payload = '', signature = ''] = token;
  const expected = createHmac('sha256', Buffer.from(rules.secret, 'utf8')).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.toString('base64url') !== signature || given.length !== expected.length) return 'Invalid token signature';
  if (!timingSafeEqual(given, expected)) return 'Invalid token signature';
  return headerMistake(decode(header), rules) ?? timesMistake(decode(payload), rules, nowMs / 1000);
}

function headerMistake(header: Map<string, unknown>, rules: TokenRules): string | null {
  if (header.get('alg') !== 'HS256' || header.get('typ') !== 'JWT') return 'Unsupported token';
  return header.get('kid') === rules.keyId ? null : 'Unknown key';
}

function timesMistake(payload: Map<string, unknown>, rules: TokenRules, nowSeconds: number): string | null {
  const [issued, notBefore, expires] = ['iat', 'nbf', 'exp'].map((name) => payload.get(name));
  if (!isWhole(issued) || !isWhole(notBefore) || !isWhole(expires)) return 'Token times must be whole seconds';
  if (Math.max(issued, notBefore) > nowSeconds + leewaySeconds) return 'Token not yet valid';
  if (expires <= nowSeconds - leewaySeconds) return 'Token expired';
  return expires > issued && expires - issued <= rules.maxLifeSeconds ? null : 'Token life not accepted';
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function decode(part: string): Map<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  } catch {
    return new Map();
  }
}
