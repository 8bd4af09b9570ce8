import type { Config, VendorKey } from '../config/config.ts';
import { createVendorClient, type VendorClient } from '../id-scan/client.ts';
import type { QueueContext } from '../jobs/context.ts';
import type { ComposeOptions } from './books.ts';
import { type Add, building, type Composed } from './closing.ts';
import { queuesOn } from './queues.ts';

/** The vendor's API alone, for commands that need no books. */
export const composeVendor = (config: Config, key: VendorKey): Promise<Composed<VendorClient>> =>
  building((add) => Promise.resolve(vendorOn(config, key, add)));

/** The vendor's API with books and queues, for creating transactions. */
export const composeCreating = (
  config: Config,
  key: VendorKey,
  options: ComposeOptions,
): Promise<Composed<QueueContext & { readonly vendor: VendorClient }>> =>
  building(async (add) => {
    const { context } = await queuesOn(config, options, add);
    return { ...context, vendor: vendorOn(config, key, add) };
  });

/** A client without the workers' rate limit: creations are asked for by people, one at a time. */
export function vendorOn(config: Config, key: VendorKey, add: Add): VendorClient {
  const { baseUrl, tokenTtlSeconds, auditReportPath, proxy } = config.vendor;
  const vendor = createVendorClient({ baseUrl, tokenTtlSeconds, auditReportPath, proxy, ...key });
  add(() => vendor.close());
  return vendor;
}
