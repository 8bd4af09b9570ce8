import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, type JWTVerifyOptions } from 'jose';
import type { OidcConfig, Role } from '../../config/config.ts';
import { LedgerError } from '../../errors.ts';
import { type OidcProvider, unavailable } from './oidc-provider.ts';

/** A user whom the identity provider has authenticated. */
export type Identity = { readonly subject: string; readonly roles: readonly Role[] };

export type OidcVerifier = {
  /** @returns `undefined` unless it is a token from the provider for us. @throws `identity_provider_unavailable` */
  readonly verifyBearer: (token: string) => Promise<Identity | undefined>;
  /** Verifies the ID token of a sign-in that we began with this nonce. */
  readonly verifySignIn: (token: string, nonce: string) => Promise<Identity | undefined>;
};

/** Only signatures by the provider's private key: using a public key as an HMAC secret is a known attack. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const clockToleranceSeconds = 30;
const maxLength = 16_384;

/** Checks the provider's tokens: signature, issuer, audience and lifetime. Roles come from a claim. */
export function createOidcVerifier(config: OidcConfig, provider: OidcProvider, now: () => Date): OidcVerifier {
  const verify = async (token: string, audience: string): Promise<JWTPayload | undefined> => {
    if (!looksLikeToken(token)) return undefined;
    const options: JWTVerifyOptions = {
      algorithms,
      audience,
      issuer: config.issuer,
      currentDate: now(),
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['exp', 'iat', 'sub'],
    };
    try {
      const { payload } = await jwtVerify(token, await provider.keys(), options);
      // The standard's limit. The subject is in every log line.
      return payload.sub && payload.sub.length <= 255 ? payload : undefined;
    } catch (error) {
      if (isTokensFault(error)) return undefined;
      throw error instanceof LedgerError ? error : unavailable('does not hand out its keys', error);
    }
  };
  const identityOf = (payload: JWTPayload): Identity => ({
    subject: payload.sub ?? '',
    roles: rolesOf(config, payload),
  });
  return {
    verifyBearer: async (token) => {
      const payload = await verify(token, config.audience);
      return payload && identityOf(payload);
    },
    verifySignIn: async (token, nonce) => {
      const clientId = config.client?.id ?? '';
      const payload = await verify(token, clientId);
      if (!payload || payload['nonce'] !== nonce) return undefined;
      // A token for several audiences names in `azp` the client that it was made for.
      const isOurs = typeof payload.aud === 'string' || payload.aud?.length === 1 || payload['azp'] === clientId;
      return isOurs ? identityOf(payload) : undefined;
    },
  };
}

/** Whether a text is worth fetching the provider's keys for. */
function looksLikeToken(token: string): boolean {
  if (token.length > maxLength || token.split('.').length !== 3) return false;
  try {
    return algorithms.includes(decodeProtectedHeader(token).alg ?? '');
  } catch {
    return false;
  }
}

function isTokensFault(error: unknown): boolean {
  return (
    error instanceof errors.JWTExpired ||
    error instanceof errors.JWTClaimValidationFailed ||
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed ||
    error instanceof errors.JOSENotSupported ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys
  );
}

/**
 * Reads the claim by its exact name (it may be a URL), or by a path such as `realm_access.roles`. It is a text or a
 * list of texts.
 */
function rolesOf({ roleClaim, roleOf }: OidcConfig, payload: JWTPayload): Role[] {
  const claim = Object.hasOwn(payload, roleClaim)
    ? payload[roleClaim]
    : roleClaim.split('.').reduce<unknown>((value, name) => {
        const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
        return isObject ? (value as Record<string, unknown>)[name] : undefined;
      }, payload);
  const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  const found = values.map((value) => (typeof value === 'string' ? roleOf.get(value) : undefined));
  return [...new Set(found.filter((role) => role !== undefined))];
}
