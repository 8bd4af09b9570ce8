import type { InputLine } from './intake.ts';

const batchSize = 250;
/** One batch is read while another is written. Measured with four of 500 lines: 8% faster, but 10 MiB more memory. */
const batchesAtOnce = 2;

type Batch<Taken> = { readonly ids: ReadonlySet<string>; readonly taking: Promise<Taken> };

/** The same for all spellings of an ID. */
const idKey = (text: string): string => text.trim().toLowerCase();

/**
 * Takes in any number of lines, in batches. Memory holds two batches.
 *
 * @param take takes in one batch. Up to two run at once, never with the same transaction in both: of two lines about
 * one, the later may conflict.
 * @param note hears of every batch, in order.
 * @throws what `take`, `note` or the lines throw, once no batch is under way any more.
 */
export async function takeAll<Taken>(
  lines: AsyncIterable<InputLine> | Iterable<InputLine>,
  take: (batch: readonly InputLine[]) => Promise<Taken>,
  note: (taken: Taken) => void,
): Promise<void> {
  const underWay: Batch<Taken>[] = [];
  const noteOldest = async () => {
    const oldest = underWay.shift();
    if (oldest) note(await oldest.taking);
  };
  const begin = async (batch: readonly InputLine[]) => {
    const ids = batch.flatMap((line) => ('transactionId' in line ? [idKey(line.transactionId)] : []));
    while (underWay.length >= batchesAtOnce || underWay.some((other) => ids.some((id) => other.ids.has(id))))
      await noteOldest();
    const taking = take(batch);
    taking.catch(() => undefined);
    underWay.push({ ids: new Set(ids), taking });
  };
  try {
    let batch: InputLine[] = [];
    for await (const line of lines) {
      batch.push(line);
      if (batch.length < batchSize) continue;
      await begin(batch);
      batch = [];
    }
    if (batch.length > 0) await begin(batch);
    while (underWay.length > 0) await noteOldest();
  } finally {
    await Promise.allSettled(underWay.map(({ taking }) => taking));
  }
}
