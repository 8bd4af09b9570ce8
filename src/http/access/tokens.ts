import type { AccessToken, Role } from '../../config/config.ts';
import { matching } from './digests.ts';

/** A configured token that was recognised; one hash may stand for several roles. */
export type KnownToken = {
  readonly sha256: string;
  /** What the configuration calls it, if it does. */
  readonly name: string | undefined;
  readonly roles: readonly Role[];
};

const maxLength = 1_024;

/** Recognises a token by its hash. */
export function recogniseToken(tokens: readonly AccessToken[], given: string): KnownToken | undefined {
  if (given.length > maxLength) return undefined;
  return together(matching(given, tokens, ({ sha256 }) => Buffer.from(sha256, 'hex')));
}

/** The token that a hash stands for now: none once it was taken out of the configuration. */
export const knownByHash = (tokens: readonly AccessToken[], sha256: string): KnownToken | undefined =>
  together(tokens.filter((token) => token.sha256 === sha256));

function together(entries: readonly AccessToken[]): KnownToken | undefined {
  const [first] = entries;
  const name = entries.find((entry) => entry.name !== undefined)?.name;
  return first && { sha256: first.sha256, name, roles: entries.map(({ role }) => role) };
}

/** How a token is called where somebody reads it: by its name, else by the beginning of its hash. */
export const tokenName = ({ sha256, name }: Pick<KnownToken, 'sha256' | 'name'>): string =>
  `token ${name ?? sha256.slice(0, 8)}`;
