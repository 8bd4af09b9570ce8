import { LedgerError } from '../errors.ts';
import type { VendorClient } from '../id-scan/vendor-client.ts';
import { createTransaction } from '../jobs/intake/create-transaction.ts';
import type { IntakeContext } from '../jobs/intake/intake.ts';
import { coded } from './coded.ts';
import type { CreatedTransaction, CreationOptions, CreationRequest, ProducerOptions } from './producer.ts';

export type CreateContext = IntakeContext & {
  /** Opens the client. It is called once there is something to ask. */
  readonly vendor: () => Promise<VendorClient>;
  /** Whose idempotency keys these are. */
  readonly askedBy: string;
};

/** What `POST /api/transactions` does, for a program. */
export async function create(
  context: CreateContext,
  wanted: CreationRequest,
  options: CreationOptions = {},
): Promise<CreatedTransaction> {
  const vendor = await context.vendor();
  const { db, queues, askedBy } = context;
  const { unknown, ...created } = await coded(
    createTransaction({ db, queues, vendor, log }, { wanted, idempotencyKey: keyIn(options), askedBy }),
    unexpected,
  );
  return { ...created, unknownSettings: unknown };
}

/** A program in JavaScript may give `null` for options. */
const keyIn = (options: CreationOptions | null): string | null => options?.idempotencyKey ?? null;

/** A program has the error, with what would be logged; what it does not await is its own. */
const log = { warn: () => undefined, error: () => undefined };

const unexpected = {
  message: 'The transaction could not be created.',
  hint: 'Report it, with its cause. If the vendor was asked, status lists it as possibly created.',
};

/** The vendor's client, loaded and opened when it is first needed. Most producers never need it. */
export function vendorWhenNeeded(idScan: ProducerOptions['idScan']): {
  readonly vendor: CreateContext['vendor'];
  readonly close: () => Promise<void>;
} {
  let opened: Promise<VendorClient> | undefined;
  const open = async (): Promise<VendorClient> => {
    if (!idScan)
      throw new LedgerError('not_configured', 'This producer has no key of the vendor, so it creates nothing.', {
        hint: 'Give openProducer idScan: { keyId, keySecret }.',
      });
    const { createIdScanClient } = await import('../id-scan/index.ts');
    return createIdScanClient(idScan);
  };
  return {
    vendor: () => (opened ??= open()),
    close: async () => {
      const client = await opened?.catch(() => undefined);
      await client?.close();
    },
  };
}
