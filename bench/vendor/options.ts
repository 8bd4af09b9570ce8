export type VendorOptions = {
  /** Files that each result offers. */
  readonly files: number;
  readonly fileBytes: number;
  /** How long each answer takes. */
  readonly latencyMs: number;
};

/** The key that the vendor of benchmarks knows. */
export const vendorKey = { keyId: 'bench', keySecret: 'a secret for benchmarks, long enough for HS256' };
