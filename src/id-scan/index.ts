import { vendorDefaults } from '../config/vendor-defaults.ts';
import { LedgerError } from '../errors.ts';
import { createVendorClient } from './client.ts';
import type { VendorClient, VendorClientSettings } from './vendor-client.ts';

export type { ProxySettings } from '../config/proxy.ts';
export type { FileLink, ResultFacts, ScanFacts, TaskFacts, TransactionFacts } from '../domain/facts.ts';
export { type ErrorCode, type ErrorFields, LedgerError } from '../errors.ts';
export { knownEvents, readEvent, type VendorEvent } from './events.ts';
export type { Download, ObservedRequest, Probe, Sink, VendorLimits } from './vendor-client.ts';
export type { RegisteredWebhook, WebhookSubscription } from './webhooks.ts';

export type IdScanClient = VendorClient;

export type IdScanClientOptions = VendorClientSettings & {
  /** Default: `https://api.cm.com/id-scan/v1/`. Plain http is accepted for loopback addresses alone. */
  readonly baseUrl?: string | URL;
  /** The life of a signed token in whole seconds. Default: 60. */
  readonly tokenTtlSeconds?: number;
  /**
   * Relative to the base URL, with `{transactionId}` and `{resultId}`. The vendor's path is not public; the default,
   * `transactions/{transactionId}/results/{resultId}/audit-report`, is an assumption.
   */
  readonly auditReportPath?: string;
};

/**
 * Builds the client that the workers use. Connects to nothing yet.
 *
 * @throws LedgerError `config_invalid` for an unusable base URL, key, token lifetime, audit report path or proxy.
 * @example
 * const idScan = createIdScanClient({ keyId, keySecret });
 * const { state, tasks } = await idScan.getTransaction('11111111-2222-4333-8444-555555555555');
 * await idScan.close();
 */
export function createIdScanClient(options: IdScanClientOptions): IdScanClient {
  const { baseUrl = vendorDefaults.baseUrl, ...others } = options;
  const url = URL.parse(String(baseUrl));
  if (!url)
    throw new LedgerError('config_invalid', 'The base URL is no URL.', {
      hint: `Leave it out for ${vendorDefaults.baseUrl}`,
    });
  return createVendorClient({
    tokenTtlSeconds: vendorDefaults.tokenTtlSeconds,
    auditReportPath: vendorDefaults.auditReportPath,
    ...others,
    baseUrl: url,
  });
}
