import type { AccessToken, Role } from '../../config.ts';
import { matching } from './digests.ts';

/** A configured token that was recognised; one hash may stand for several roles. */
export type KnownToken = { readonly sha256: string; readonly roles: readonly Role[] };

const maxLength = 1_024;

/** Recognises a token by its hash. */
export function recogniseToken(tokens: readonly AccessToken[], given: string): KnownToken | undefined {
  if (given.length > maxLength) return undefined;
  const found = matching(given, tokens, ({ sha256 }) => Buffer.from(sha256, 'hex'));
  const [first] = found;
  return first && { sha256: first.sha256, roles: found.map(({ role }) => role) };
}

/** The roles that a hash stands for now: none once it was taken out of the configuration. */
export const rolesOfHash = (tokens: readonly AccessToken[], sha256: string): Role[] =>
  tokens.filter((token) => token.sha256 === sha256).map(({ role }) => role);

/** How a token is called where somebody reads it: by the beginning of its hash. */
export const tokenName = (sha256: string): string => `token ${sha256.slice(0, 8)}`;
