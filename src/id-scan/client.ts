import { randomUUID } from 'node:crypto';
import type { TransactionRequest } from '../domain/transaction-request.ts';
import { LedgerError } from '../errors.ts';
import { readResult, readTransaction, type Reading } from './answers.ts';
import { orAborted } from './deadline.ts';
import { createConnections } from './dispatcher.ts';
import { collect, exchange, headerOf, type Answer, type Call, type Http } from './exchange.ts';
import { vendorError } from './failures.ts';
import { readJson } from '../json.ts';
import { noTracing, type Tracing } from '../tracing/trace.ts';
import { readCreated } from './created.ts';
import { createTokenSource } from './tokens.ts';
import { apiUrl, checkAuditReportPath, fileUrl, toBaseUrl } from './urls.ts';
import type { Download, Probe, Sink, VendorClient, VendorClientSettings, VendorLimits } from './vendor-client.ts';
import { readRegistration, subscriptionBody } from './webhooks.ts';

export type { Download, Sink, VendorClient } from './vendor-client.ts';

export type VendorClientInput = VendorClientSettings & {
  readonly baseUrl: URL;
  /**
   * Whole seconds. The longest lifetime that the vendor accepts is UNKNOWN; the token of its example lives for 60 s.
   */
  readonly tokenTtlSeconds: number;
  /** Relative to the base URL, with `{transactionId}` and `{resultId}`. */
  readonly auditReportPath: string;
  /** Times each request. */
  readonly open?: Tracing['open'];
  /** Called with the size of each chunk of a body. */
  readonly received?: (bytes: number) => void;
};

const defaultLimits: VendorLimits = {
  jsonTimeoutMs: 30_000,
  fileTimeoutMs: 120_000,
  jsonBytes: 2 * 1_024 * 1_024,
  fileBytes: 25 * 1_024 * 1_024,
};

const probeTimeoutMs = 10_000;

/**
 * Builds the client. Connects to nothing yet.
 *
 * @throws LedgerError `config_invalid` for an unusable base URL, key, token lifetime, audit report path or proxy.
 * @example
 * const vendor = createVendorClient({ baseUrl, keyId, keySecret, tokenTtlSeconds: 60, auditReportPath });
 * const facts = await vendor.getTransaction('11111111-2222-4333-8444-555555555555');
 */
export function createVendorClient(input: VendorClientInput): VendorClient {
  const base = toBaseUrl(input.baseUrl);
  checkAuditReportPath(base, input.auditReportPath);
  checkKey(input);
  const limits = { ...defaultLimits, ...input.limits };
  const closing = new AbortController();
  const now = input.now ?? (() => new Date());
  const { keyId, keySecret, tokenTtlSeconds: ttlSeconds } = input;
  const connections = createConnections(base, input.proxy ?? {}, input.connections ?? 64);
  const http: Http = {
    dispatcher: connections.dispatcher,
    tokens: createTokenSource({ keyId, keySecret, ttlSeconds }, now),
    now,
    beforeRequest: input.beforeRequest ?? (() => Promise.resolve(() => undefined)),
    observe: input.observe ?? (() => undefined),
    received: input.received ?? (() => undefined),
    open: input.open ?? noTracing.open,
    userAgent: input.userAgent ?? 'idscan-ledger',
    closing: closing.signal,
  };
  const forJson = { accept: 'application/json', timeoutMs: limits.jsonTimeoutMs, maxBytes: limits.jsonBytes };
  const forFile = { accept: '*/*', timeoutMs: limits.fileTimeoutMs, maxBytes: limits.fileBytes };

  return {
    getTransaction: async (transactionId) => {
      const url = apiUrl(base, 'transactions/{transactionId}', { transactionId });
      const call = { ...forJson, what: `transaction ${transactionId}`, operation: 'transaction' as const, url };
      return askForFacts(http, call, (answer) => readTransaction(answer, transactionId));
    },
    getResult: async (transactionId, resultId) => {
      const url = apiUrl(base, 'transactions/{transactionId}/results/{resultId}', { transactionId, resultId });
      const call = {
        ...forJson,
        what: `the result of transaction ${transactionId}`,
        operation: 'result' as const,
        url,
      };
      return askForFacts(http, call, (answer) => readResult(answer, transactionId, resultId));
    },
    downloadFile: async (url, sink) =>
      askForFile(http, { ...forFile, what: 'a file', operation: 'file', url: fileUrl(base, url) }, sink),
    downloadAuditReport: async (transactionId, resultId, sink) => {
      const url = apiUrl(base, input.auditReportPath, { transactionId, resultId });
      const what = `the audit report of transaction ${transactionId}`;
      return askForFile(
        http,
        { ...forFile, what, operation: 'audit_report', url, accept: 'application/pdf, */*;q=0.5' },
        sink,
      );
    },
    createTransaction: async (request) => askForFacts(http, { ...forJson, ...creation(base, request) }, readCreated),
    registerWebhook: async (subscription) => {
      const body = subscriptionBody(subscription);
      const call = {
        ...forJson,
        what: 'a webhook',
        operation: 'webhook' as const,
        url: new URL('webhooks', base),
        body,
        successes: [200, 201, 202, 204],
      };
      return exchange(http, call, async (answer) => readRegistration(await collect(answer.chunks(), call.maxBytes)));
    },
    probe: () => probeToken(http, apiUrl(base, 'transactions/{transactionId}', { transactionId: randomUUID() })),
    close: async () => {
      closing.abort(new LedgerError('interrupted', 'The vendor client was closed.'));
      await connections.close();
    },
  };
}

/** What a creation is asked with. */
const creation = (base: URL, request: TransactionRequest) => ({
  what: 'a new transaction',
  operation: 'create' as const,
  url: new URL('transactions', base),
  body: JSON.stringify(request),
  successes: [200, 201],
});

/** Requests a transaction that does not exist, to find out whether the vendor accepts our token. */
function probeToken(http: Http, url: URL): Promise<Probe> {
  const call: Call = {
    what: 'a transaction that nobody has',
    operation: 'transaction',
    url,
    accept: 'application/json',
    timeoutMs: probeTimeoutMs,
    maxBytes: defaultLimits.jsonBytes,
    successes: [200, 401, 403, 404, 410],
  };
  return exchange(http, call, ({ status, headers }) =>
    Promise.resolve({ status, date: readDate(headerOf(headers, 'date')) }),
  );
}

async function askForFacts<Facts>(http: Http, call: Call, read: (json: unknown) => Reading<Facts>): Promise<Facts> {
  return exchange(http, call, async (answer) => {
    const problem = (code: 'invalid' | 'mismatch' | 'truncated', reason: string): LedgerError =>
      vendorError(`vendor_answer_${code}`, `The answer for ${call.what} cannot be used: ${reason}.`, {
        status: 200,
        reason,
      });
    const contentType = headerOf(answer.headers, 'content-type');
    if (contentType !== null && !isJson(contentType)) throw problem('invalid', 'not announced as JSON');
    const json = readJson(await collect(answer.chunks(), call.maxBytes));
    if ('problem' in json) throw problem(json.problem.kind === 'cut' ? 'truncated' : 'invalid', json.problem.reason);
    const reading = read(json.value);
    if ('problem' in reading) throw problem(reading.problem, reading.reason);
    return reading.facts;
  });
}

async function askForFile(http: Http, call: Call, sink: Sink): Promise<Download> {
  return exchange(http, call, async (answer: Answer, signal) => {
    let bytes = 0;
    for await (const chunk of answer.chunks()) {
      const taken = sink(chunk);
      if (taken !== undefined) await orAborted(Promise.resolve(taken), signal);
      bytes += chunk.byteLength;
    }
    return { bytes, contentType: mediaType(headerOf(answer.headers, 'content-type')) };
  });
}

function readDate(header: string | null): Date | null {
  const date = new Date(header ?? NaN);
  return Number.isNaN(date.getTime()) ? null : date;
}

function isJson(contentType: string): boolean {
  return /^(application|text)\/([\w.+-]+\+)?json$/.test(mediaType(contentType) ?? '');
}

/** A content type without its parameters, in lower case; `null` if it is not valid. */
function mediaType(header: string | null): string | null {
  const type = header?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return /^[\w!#$&^.+-]{1,63}\/[\w!#$&^.+-]{1,63}$/.test(type) ? type : null;
}

function checkKey({ keyId, keySecret, tokenTtlSeconds }: VendorClientInput): void {
  const isKey = keyId !== '' && keySecret !== '';
  if (!isKey || !Number.isSafeInteger(tokenTtlSeconds) || tokenTtlSeconds < 1)
    throw new LedgerError('config_invalid', 'The vendor’s key is incomplete.', {
      hint: 'Give keyId and keySecret (IDSCAN_KEY_ID, IDSCAN_KEY_SECRET), and whole seconds, at least 1, for the life of a token (IDSCAN_TOKEN_TTL_SECONDS).',
    });
}
