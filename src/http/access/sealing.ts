import { randomBytes } from 'node:crypto';
import { EncryptJWT, jwtDecrypt, type JWTPayload } from 'jose';

/** Seals small facts into a text that only this service reads, for one purpose and a limited time. */
export type Sealer = {
  readonly seal: (purpose: string, content: JWTPayload, lifetimeSeconds: number) => Promise<string>;
  /** `undefined` for anything that is not whole, not ours, for another purpose, or too old. */
  readonly open: (purpose: string, sealed: string) => Promise<JWTPayload | undefined>;
};

const issuer = 'idscan-ledger';
const maxLength = 4_096;

/**
 * @param key 32 bytes, the same in all processes of the service; without one, what is sealed ends with the process.
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
