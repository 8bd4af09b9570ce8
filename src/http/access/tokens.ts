import type { AccessToken, Role } from '../../config/config.ts';
import { matching } from './digests.ts';

/** A configured token that was recognised. Several entries with one hash give several roles. */
export type KnownToken = {
  readonly sha256: string;
  /** Its name in the configuration, if it has one. */
  readonly name: string | undefined;
  readonly roles: readonly Role[];
};

const maxLength = 1_024;

/** Recognises a token by its hash. */
export function recogniseToken(tokens: readonly AccessToken[], given: string): KnownToken | undefined {
  if (given.length > maxLength) return undefined;
  return together(matching(given, tokens, ({ sha256 }) => Buffer.from(sha256, 'hex')));
}

/** The token with this hash; undefined once it is removed from the configuration. */
export const knownByHash = (tokens: readonly AccessToken[], sha256: string): KnownToken | undefined =>
  together(tokens.filter((token) => token.sha256 === sha256));

function together(entries: readonly AccessToken[]): KnownToken | undefined {
  const [first] = entries;
  const name = entries.find((entry) => entry.name !== undefined)?.name;
  return first && { sha256: first.sha256, name, roles: entries.map(({ role }) => role) };
}

/** The name of a token for people: the configured name, or else the beginning of its hash. */
export const tokenName = ({ sha256, name }: Pick<KnownToken, 'sha256' | 'name'>): string =>
  `token ${name ?? sha256.slice(0, 8)}`;
