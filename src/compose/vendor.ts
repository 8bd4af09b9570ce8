import type { Config, VendorKey } from '../config/config.ts';
import { createVendorClient, type VendorClient } from '../id-scan/client.ts';
import { building, type Composed } from './closing.ts';

/** The vendor's API alone, for commands that need no books. */
export function composeVendor(config: Config, key: VendorKey): Promise<Composed<VendorClient>> {
  return building((add) => {
    const { baseUrl, tokenTtlSeconds, auditReportPath, proxy } = config.vendor;
    const vendor = createVendorClient({ baseUrl, tokenTtlSeconds, auditReportPath, proxy, ...key });
    add(() => vendor.close());
    return Promise.resolve(vendor);
  });
}
