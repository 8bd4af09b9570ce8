import type { TransactionFacts } from '../../src/domain/facts.ts';
import { processingPollMs } from '../../src/domain/settlement.ts';
import { LedgerError } from '../../src/errors.ts';
import type { SimulatedTransaction, Simulator } from '../../src/simulator/index.ts';
import type { InvoiceLine } from '../../src/simulator/invoice.ts';
import type { VendorClient } from '../../src/id-scan/client.ts';
import { seededRandom } from './world.ts';

/** A transaction of the test with the times of its scans as the vendor's books have them. */
export type Chosen = SimulatedTransaction & {
  readonly scansMs: readonly number[];
  /** A scan of it stays `processing`. */
  readonly isEndless: boolean;
  /** It expires right after its last attempt. */
  readonly isLate: boolean;
};

export type Choice = {
  readonly count: number;
  readonly neverCompletedShare: number;
  /** How many polls may go to scans that stay `processing`: there is one every two minutes. */
  readonly maxPolls: number;
};

/** Chooses transactions from a larger world. Of those that are left, a good part expires right after its last attempt. */
export function choose(
  { transactions }: Simulator,
  lines: readonly InvoiceLine[],
  { count, neverCompletedShare, maxPolls }: Choice,
): Chosen[] {
  const byId = Map.groupBy(lines, ({ transactionId }) => transactionId);
  const all = transactions.map((one) => withScans(one, byId.get(one.transactionId) ?? []));
  const endless = withinPolls(all.filter((one) => one.isEndless).sort(byLife), maxPolls);
  const candidates = [...endless, ...all.filter((one) => !one.isEndless)];
  const neverCount = Math.round(count * neverCompletedShare);
  const never = candidates.filter((one) => one.completedMs === null).slice(0, neverCount);
  const completed = candidates.filter((one) => one.completedMs !== null).slice(0, count - neverCount);
  return [...never.map(lateInTurn), ...completed];
}

function withScans(one: SimulatedTransaction, lines: readonly InvoiceLine[]): Chosen {
  const scans = lines.filter(({ taskType }) => taskType === 'document_scan');
  return {
    ...one,
    isLate: false,
    isEndless: scans.some(({ code }) => code === 'processing'),
    scansMs: scans.map(({ at }) => Date.parse(at)).sort((a, b) => a - b),
  };
}

const byLife = (a: Chosen, b: Chosen): number => a.expiresMs - a.createdMs - (b.expiresMs - b.createdMs);

function withinPolls(endless: readonly Chosen[], maxPolls: number): Chosen[] {
  let polls = 0;
  return endless.filter(({ createdMs, expiresMs }) => (polls += (expiresMs - createdMs) / processingPollMs) < maxPolls);
}

/** From the last attempt to `expires`: the last second, the time a scan is `processing`, the last minutes. */
const lastMomentsMs = [1_000, 1_000, 2_000, 30_000, 240_000];

/** Nothing of the simulator's happens after the new end: the scan is the last event of these kinds. */
function lateInTurn(one: Chosen, index: number): Chosen {
  const lastMs = one.scansMs.at(-1);
  const isFit = !one.isEndless && (one.kind === 'scan_failed' || one.kind === 'face_not_started');
  if (lastMs === undefined || !isFit || index % 2 === 1) return one;
  return { ...one, isLate: true, expiresMs: lastMs + (lastMomentsMs[(index / 2) % lastMomentsMs.length] ?? 0) };
}

export type Expiries = {
  readonly chosen: readonly Chosen[];
  readonly now: () => Date;
  /** Told of every answer. */
  readonly onAnswer: (one: Chosen | undefined, facts: TransactionFacts) => void;
};

/** The vendor, for whom late transactions expire when the test says so: from then on it has none of their files. */
export function withExpiries(vendor: VendorClient, { chosen, now, onAnswer }: Expiries): VendorClient {
  const byId = new Map(chosen.map((one) => [one.transactionId, one]));
  const byUrl = new Map<string, Chosen>();
  return {
    ...vendor,
    async getTransaction(transactionId): Promise<TransactionFacts> {
      const facts = await vendor.getTransaction(transactionId);
      const one = byId.get(transactionId);
      onAnswer(one, facts);
      if (!one?.isLate) return facts;
      const expiresAt = new Date(one.expiresMs);
      if (now() >= expiresAt) return { ...facts, expiresAt, state: 'expired', tasks: facts.tasks.map(withoutFiles) };
      const urls = facts.tasks.flatMap(({ scans }) =>
        (scans ?? []).flatMap(({ files }) => files.map(({ url }) => url)),
      );
      for (const url of urls) if (url !== null) byUrl.set(url, one);
      return { ...facts, expiresAt };
    },
    async downloadFile(url, sink) {
      const one = byUrl.get(url);
      if (one && now().getTime() >= one.expiresMs) throw new LedgerError('vendor_not_found', 'It has expired.');
      return vendor.downloadFile(url, sink);
    },
  };
}

const withoutFiles = (task: TransactionFacts['tasks'][number]): TransactionFacts['tasks'][number] => ({
  ...task,
  scans: task.scans?.map((scan) => ({ ...scan, files: [] })) ?? null,
});

/** What a producer sends, and when. */
export type Enqueue = { readonly atMs: number; readonly transactionId: string; readonly resultId: string | null };

const hourMs = 3_600_000;

/**
 * When producers hear of transactions: with the result ID only once the vendor hands it out, without one at any time of
 * its life, or long after.
 */
export function producers(chosen: readonly Chosen[], seed: number): Enqueue[] {
  const random = seededRandom(seed);
  return chosen.flatMap((one): Enqueue[] => {
    const { transactionId, createdMs, expiresMs, completedMs, scansMs, resultId } = one;
    const open = (atMs: number): Enqueue => ({ atMs, transactionId, resultId: null });
    /** While a scan is still `processing`. */
    const soonAfter = (scanMs: number | undefined): number => (scanMs === undefined ? createdMs : scanMs + 900);
    const draw = random();
    if (completedMs !== null) {
      const finished: Enqueue = { atMs: completedMs, transactionId, resultId };
      if (draw < 0.4) return [finished];
      if (draw < 0.55) return [open(createdMs), finished];
      if (draw < 0.7) return [open(soonAfter(scansMs[0])), finished];
      if (draw < 0.8) return [open(createdMs)];
      if (draw < 0.9) return [open(soonAfter(scansMs[0]))];
      return [{ ...finished, atMs: completedMs + 48 * hourMs }];
    }
    if (draw < 0.4) return [open(createdMs)];
    if (draw < 0.7) return [open(soonAfter(scansMs[0]))];
    if (draw < 0.8) return [open(soonAfter(scansMs.at(-1)))];
    if (draw < 0.9) return [open(expiresMs - 1)];
    return [open(draw < 0.95 ? expiresMs + 60_000 : expiresMs + 48 * hourMs)];
  });
}
