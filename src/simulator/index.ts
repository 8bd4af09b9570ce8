import { shownCounter } from './answers.ts';
import { type Bill, billFor, type BillRequest } from './billing/bill.ts';
import { type DocumentName, documents } from './billing/documents.ts';
import { faultSource } from './faults.ts';
import type { FaultPlan } from './faults.ts';
import { resultFiles } from './files.ts';
import { openStage } from './frame/stage.ts';
import { invoiceFor } from './invoice.ts';
import type { Invoice, InvoicePrices } from './invoice.ts';
import { resolveWorld, seededCredentials } from './options.ts';
import type { SimulatorOptions, World } from './options.ts';
import { canaryPrefix, personOf } from './people.ts';
import type { Person } from './people.ts';
import { randomStream } from './random.ts';
import type { RequestLog } from './request-log.ts';
import { serve } from './server.ts';
import { crossedBoundary } from './timeline.ts';
import { generateTransaction } from './transaction.ts';
import type { TransactionKind } from './transaction.ts';

export type { Bill, BillRequest } from './billing/bill.ts';
export type { BillingMistake } from './billing/mistakes.ts';
export type { DocumentName } from './billing/documents.ts';
export { type FaultKind, type FaultPlan, transientFaultKinds } from './faults.ts';
export type { Invoice, InvoicePrices } from './invoice.ts';
export type { IncompleteKind, SimulatorOptions, WorldOptions } from './options.ts';
export type { RequestLog } from './request-log.ts';
export type { TransactionKind } from './transaction.ts';

/** What a test may know about a transaction, and properties of its answers. */
export type SimulatedTransaction = {
  readonly transactionId: string;
  /** `null` = it was abandoned and never gets one. */
  readonly resultId: string | null;
  readonly kind: TransactionKind;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly completedMs: number | null;
  /** Whether it lives across the start or end of the world's month. */
  readonly isAcrossMonths: boolean;
  readonly isOlderShape: boolean;
  /** Whether `documentScans` is missing. */
  readonly isListMissing: boolean;
  /** The last `attemptsInvoiced` of its details; `null` = they have none. */
  readonly attemptsInvoiced: number | null;
  readonly isCounterWrong: boolean;
  /** The number of the result's files that have a URL. */
  readonly resultFiles: number;
  readonly hasAuditReport: boolean;
};

type PersonalData = {
  /** The beginning of every surname, so that one search finds any leaked surname. */
  readonly canaryPrefix: string;
  readonly surnames: readonly string[];
  readonly documentNumbers: readonly string[];
  readonly birthDates: readonly string[];
};

export type Simulator = {
  /** `http://127.0.0.1:<port>/id-scan/v1/` */
  readonly baseUrl: string;
  readonly keyId: string;
  readonly secret: string;
  readonly transactions: readonly SimulatedTransaction[];
  /** `transaction_id,result_id` and a line per transaction. The result is empty for abandoned ones. */
  readonly idsCsv: () => string;
  /** The vendor's invoice for the world's month, or for another month. */
  readonly invoice: (prices?: InvoicePrices, month?: string) => Invoice;
  /** What the vendor charges for the world's month, or for another month: with mistakes, if they are asked for. */
  readonly bill: (request: Omit<BillRequest, 'month'> & { readonly month?: string }) => Bill;
  /** The bill as the vendor sends it. */
  readonly document: (bill: Bill, name: DocumentName) => Promise<Buffer>;
  readonly requests: RequestLog;
  /**
   * The IDs that `POST transactions` gave out, in order, whether or not its answers arrived: the world's transactions,
   * one after the other, or those that are played by hand.
   */
  readonly created: () => readonly string[];
  /** The personal data in `result[]`, for tests that search for leaks. */
  readonly personalData: () => PersonalData;
  readonly setFaults: (plan: FaultPlan | null) => void;
  readonly close: () => Promise<void>;
};

const faultChannel = 6000;

/**
 * Starts a simulated vendor: the ID Scan API over HTTP on the loopback interface, with its own books and invoice. The
 * same options give the same world, IDs, files and invoice.
 *
 * @example
 * const simulator = await startSimulator({ seed: 1, month: '2026-10', transactions: 200 });
 * simulator.invoice().invoicedCount; // a report for 2026-10 must agree with this
 * await simulator.close();
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const world = resolveWorld(options);
  const transactions = Array.from({ length: world.transactions }, (_, index) => seenFromOutside(world, index));
  const indexById = new Map(transactions.map(({ transactionId }, index) => [transactionId, index]));
  const credentials = seededCredentials(world.words);
  const keyId = options.keyId ?? credentials.keyId;
  const secret = options.secret ?? credentials.secret;
  const random = randomStream(world.words, -1, faultChannel);
  const stage = options.byHand === true ? openStage(world) : null;
  let faults = faultSource(options.faults ?? null, random);
  const server = await serve({
    world,
    lookup: (transactionId) => indexById.get(transactionId),
    stage,
    tokens: { keyId, secret, maxLifeSeconds: options.maxTokenLifeSeconds ?? 3600 },
    faults: () => faults,
    now: options.now ?? (() => new Date()),
    port: options.port ?? 0,
    latencyMs: options.latencyMs ?? 0,
    maxLoggedRequests: options.maxLoggedRequests ?? 100_000,
    priceList: options.priceList ?? null,
  });
  return {
    ...server,
    keyId,
    secret,
    transactions,
    idsCsv: () =>
      ['transaction_id,result_id', ...transactions.map((one) => `${one.transactionId},${one.resultId ?? ''}`), ''].join(
        '\n',
      ),
    invoice: (prices, month = world.month) => invoiceFor(world, month, prices, stage?.all()),
    bill: (request) => billFor(world, { month: world.month, ...request }, stage?.all()),
    document: async (bill, name) => documents[name].write(bill),
    personalData: () => personalData(world, transactions),
    setFaults: (plan) => {
      faults = faultSource(plan, random);
    },
  };
}

function seenFromOutside(world: World, index: number): SimulatedTransaction {
  const transaction = generateTransaction(world, index);
  const { id, resultId, kind, createdMs, expiresMs, completedMs } = transaction;
  const attemptsInvoiced = shownCounter(transaction, transaction.scans);
  return {
    transactionId: id,
    resultId,
    kind,
    createdMs,
    expiresMs,
    completedMs,
    isAcrossMonths: crossedBoundary(world, createdMs, completedMs ?? expiresMs) !== null,
    isOlderShape: transaction.isOlderShape,
    isListMissing: transaction.isListMissing,
    attemptsInvoiced,
    isCounterWrong: attemptsInvoiced !== null && transaction.counterError !== 0,
    resultFiles: resultId === null ? 0 : resultFiles(world, transaction).filter(({ slot }) => slot !== null).length,
    hasAuditReport: transaction.hasAuditReport,
  };
}

function personalData(world: World, transactions: readonly SimulatedTransaction[]): PersonalData {
  const people = transactions.flatMap(({ resultId }, index): Person[] =>
    resultId === null ? [] : [personOf(world, index)],
  );
  return {
    canaryPrefix,
    surnames: people.map(({ surname }) => surname),
    documentNumbers: people.map(({ documentNumber }) => documentNumber),
    birthDates: [...new Set(people.map(({ birthDate }) => birthDate))],
  };
}
