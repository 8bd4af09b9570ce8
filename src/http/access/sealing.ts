import { randomBytes } from 'node:crypto';
import { EncryptJWT, jwtDecrypt, type JWTPayload } from 'jose';

/** Seals small values into a text that only this service can read, for one purpose and a limited time. */
export type Sealer = {
  readonly seal: (purpose: string, content: JWTPayload, lifetimeSeconds: number) => Promise<string>;
  /** `undefined` for anything damaged, foreign, expired, or sealed for another purpose. */
  readonly open: (purpose: string, sealed: string) => Promise<JWTPayload | undefined>;
};

const issuer = 'idscan-ledger';
const maxLength = 4_096;

/**
 * @param key 32 bytes, the same in all processes of the service. Without a key, what is sealed is lost when the process
 * ends.
 */
export function createSealer(key: Uint8Array | undefined, now: () => Date): Sealer {
  const secret = key ?? randomBytes(32);
  return {
    seal: (purpose, content, lifetimeSeconds) => {
      const issuedAt = Math.floor(now().getTime() / 1_000);
      return new EncryptJWT(content)
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setIssuer(issuer)
        .setAudience(purpose)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + lifetimeSeconds)
        .encrypt(secret);
    },
    open: async (purpose, sealed) => {
      if (sealed.length > maxLength) return undefined;
      const opened = await jwtDecrypt(sealed, secret, {
        issuer,
        audience: purpose,
        requiredClaims: ['exp', 'iat'],
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
        currentDate: now(),
      }).catch(() => undefined);
      return opened?.payload;
    },
  };
}
