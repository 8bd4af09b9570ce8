/** Where the vendor's API is, and how it is called, unless somebody says otherwise. */
export const vendorDefaults = {
  baseUrl: 'https://api.cm.com/id-scan/v1/',
  /** Whole seconds. */
  tokenTtlSeconds: 60,
  /** An assumption: the vendor's path is not public. */
  auditReportPath: 'transactions/{transactionId}/results/{resultId}/audit-report',
} as const;
