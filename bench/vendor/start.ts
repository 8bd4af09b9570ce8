import path from 'node:path';
import { startProcess } from '../processes.ts';
import { vendorKey, type VendorOptions } from './options.ts';

export type Vendor = {
  readonly baseUrl: string;
  /** The variables that point the product at it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
};

/** Starts the benchmarks' vendor in its own process. */
export async function startVendor(options: VendorOptions): Promise<Vendor> {
  const { child, ended } = startProcess({ args: [path.join(import.meta.dirname, 'main.ts'), JSON.stringify(options)] });
  const baseUrl = await Promise.race([
    new Promise<string>((resolve) => child.stdout?.once('data', (text: unknown) => resolve(String(text).trim()))),
    ended.then(() => Promise.reject(new Error('the vendor ended before it listened'))),
  ]);
  return {
    baseUrl,
    environment: {
      IDSCAN_BASE_URL: baseUrl,
      IDSCAN_KEY_ID: vendorKey.keyId,
      IDSCAN_KEY_SECRET: vendorKey.keySecret,
    },
    stop: async () => {
      child.stdin?.end();
      await ended;
    },
  };
}
