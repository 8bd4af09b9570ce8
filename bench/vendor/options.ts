export type VendorOptions = {
  /** The number of files that each result offers. */
  readonly files: number;
  readonly fileBytes: number;
  /** How long each response takes. */
  readonly latencyMs: number;
};

/** The key that the benchmarks' vendor knows. */
export const vendorKey = { keyId: 'bench', keySecret: 'a secret for benchmarks, long enough for HS256' };
