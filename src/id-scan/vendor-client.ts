import type { ProxySettings } from '../config/proxy.ts';
import type { ResultFacts, TransactionFacts } from '../domain/facts.ts';
import type { TransactionRequest } from '../domain/transaction-request.ts';
import type { CreatedTransaction } from './created.ts';
import type { RegisteredWebhook, WebhookSubscription } from './webhooks.ts';

/** One HTTP request, for metrics. `status` is `null` if no response began. */
export type ObservedRequest = { readonly status: number | null; readonly durationMs: number };

/** Receives a file's bytes. The next chunk comes after the returned promise resolves. */
export type Sink = (chunk: Uint8Array) => void | Promise<void>;
/** `contentType` is in lower case, without parameters; `null` if there is no valid one. */
export type Download = { readonly bytes: number; readonly contentType: string | null };

export type Probe = { readonly status: number; readonly date: Date | null };

/**
 * The ID Scan API. Every method makes one request and never retries, except once with a new token after a 401. Errors
 * are `LedgerError`s: `vendor_…`, with the fields `status`, `vendorMessage` and `retryAfterMs` if known;
 * `input_invalid` for an ID that cannot be part of a path; `interrupted` for calls that are running at `close`, or made
 * after it.
 */
export type VendorClient = {
  /** Fetches a transaction's details. */
  getTransaction(transactionId: string): Promise<TransactionFacts>;
  /** Fetches the result of a completed transaction. Personal data is dropped while parsing. */
  getResult(transactionId: string, resultId: string): Promise<ResultFacts>;
  /** Streams a file into `sink`, up to a size limit. Errors of the sink are passed on. */
  downloadFile(url: string, sink: Sink): Promise<Download>;
  /** Streams the audit report into `sink`. Its path is configuration (UNKNOWN). The caller checks the file type. */
  downloadAuditReport(transactionId: string, resultId: string, sink: Sink): Promise<Download>;
  /**
   * Creates a transaction. Not retried: if the answer is lost, it may exist all the same (UNKNOWN: there is no
   * idempotency key). The request is sent as it is.
   */
  createTransaction(request: TransactionRequest): Promise<CreatedTransaction>;
  /** Subscribes to events. Not retried: if the response is lost, the subscription may exist already. */
  registerWebhook(subscription: WebhookSubscription): Promise<RegisteredWebhook>;
  /**
   * Checks whether the vendor accepts our token, and what its time is, by requesting a transaction that does not exist.
   *
   * @returns the status, including 401 and 403, and the `Date` header; `null` = no valid one.
   */
  probe(): Promise<Probe>;
  /** Aborts running calls and closes all connections. May be called again. */
  close(): Promise<void>;
};

export type VendorLimits = {
  /** One deadline per call. It covers connecting, headers, body and the repeat after a 401, but not `beforeRequest`. */
  readonly jsonTimeoutMs: number;
  readonly fileTimeoutMs: number;
  readonly jsonBytes: number;
  readonly fileBytes: number;
};

/** How the vendor is called. The package exports it. */
export type VendorClientSettings = {
  readonly keyId: string;
  readonly keySecret: string;
  readonly proxy?: ProxySettings;
  readonly now?: () => Date;
  /**
   * A rate limiter, awaited before every HTTP request, including the repeat after a 401. What it resolves with is called
   * once, when the response begins, or the request has failed or is not made any more.
   */
  readonly beforeRequest?: () => Promise<() => void>;
  /**
   * Called for every HTTP request, including the repeat after a 401, when the response begins or the request has
   * failed.
   */
  readonly observe?: (request: ObservedRequest) => void;
  readonly limits?: Partial<VendorLimits>;
  /** The number of connections. Default: 64. Further requests wait for one within their deadline. */
  readonly connections?: number;
  readonly userAgent?: string;
};
