/** What is used of sodium-native: libsodium's functions under their own names. Every buffer is the caller's. */
declare module 'sodium-native' {
  type State = Buffer;
  const sodium: {
    readonly crypto_box_PUBLICKEYBYTES: number;
    readonly crypto_box_SECRETKEYBYTES: number;
    readonly crypto_box_SEALBYTES: number;
    readonly crypto_secretstream_xchacha20poly1305_STATEBYTES: number;
    readonly crypto_secretstream_xchacha20poly1305_HEADERBYTES: number;
    readonly crypto_secretstream_xchacha20poly1305_KEYBYTES: number;
    readonly crypto_secretstream_xchacha20poly1305_ABYTES: number;
    readonly crypto_secretstream_xchacha20poly1305_TAG_MESSAGE: number;
    readonly crypto_secretstream_xchacha20poly1305_TAG_FINAL: number;
    crypto_box_keypair(publicKey: Buffer, secretKey: Buffer): void;
    crypto_scalarmult_base(publicKey: Buffer, secretKey: Buffer): void;
    crypto_box_seal(sealed: Buffer, message: Buffer, publicKey: Buffer): void;
    crypto_box_seal_open(message: Buffer, sealed: Buffer, publicKey: Buffer, secretKey: Buffer): boolean;
    crypto_secretstream_xchacha20poly1305_keygen(key: Buffer): void;
    crypto_secretstream_xchacha20poly1305_init_push(state: State, header: Buffer, key: Buffer): void;
    crypto_secretstream_xchacha20poly1305_push(
      state: State,
      c: Buffer,
      m: Buffer,
      ad: Buffer | null,
      tag: number,
    ): number;
    crypto_secretstream_xchacha20poly1305_init_pull(state: State, header: Buffer, key: Buffer): void;
    /** Throws if the chunk does not authenticate. */
    crypto_secretstream_xchacha20poly1305_pull(
      state: State,
      m: Buffer,
      tag: Buffer,
      c: Buffer,
      ad: Buffer | null,
    ): number;
    sodium_memzero(secret: Buffer): void;
  };
  export default sodium;
}
