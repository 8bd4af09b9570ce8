import { parseArgs } from 'node:util';
import { documents } from './billing/documents.ts';
import { type BillingMistake, billingMistakes, parseMistakes } from './billing/mistakes.ts';
import type { SimulatorOptions } from './options.ts';

export type SimulatorCommand = {
  readonly options: SimulatorOptions;
  readonly idsFile: string | null;
  readonly invoiceFile: string | null;
  /** Where what the vendor sends for the month is written to. */
  readonly bill: { readonly folder: string; readonly mistakes: readonly BillingMistake[] } | null;
  readonly pricesFile: string | null;
};

export const usage = `Usage: node src/simulator/main.ts --seed <text> --month <YYYY-MM> --transactions <n>
  --time-zone <IANA name>        the vendor's months (UTC)
  --port <n>                     0 = a free one (0)
  --faults <share>               share of requests that fail, 0 to 1 (0)
  --latency-ms <n>               every answer takes this long (0)
  --abandoned <share>            transactions without a result ID (0.2)
  --unknown-codes <share>        transactions with an undocumented code (0)
  --counter-mismatches <share>   transactions whose counter is off (0)
  --lists-missing <share>        completed transactions without documentScans (0)
  --by-hand                      transactions that are created are played by hand, at their addresses
  --ids <file>                   write transaction_id,result_id
  --invoice <file>               write what the month is charged for as JSON
  --prices <file>                a price list, as examples/prices.json: the vendor sends bills by it
  --bill <folder>                write what it sends for the month: ${Object.keys(documents).join(', ')}
  --mistakes <a,b>               what is wrong on it: ${billingMistakes.join(', ')}
`;

/** Parses the command line. Throws a `TypeError` or `RangeError` that describes the mistake. */
export function parseCommand(args: readonly string[]): SimulatorCommand {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: text,
      month: text,
      transactions: text,
      'time-zone': text,
      port: text,
      faults: text,
      'latency-ms': text,
      abandoned: text,
      'unknown-codes': text,
      'counter-mismatches': text,
      'lists-missing': text,
      'by-hand': { type: 'boolean' },
      ids: text,
      invoice: text,
      prices: text,
      bill: text,
      mistakes: text,
    },
  });
  if (values.seed === undefined || values.month === undefined || values.transactions === undefined)
    throw new TypeError('--seed, --month and --transactions are needed.');
  if (values.bill !== undefined && values.prices === undefined) throw new TypeError('--bill needs --prices.');
  if (values.mistakes !== undefined && values.bill === undefined) throw new TypeError('--mistakes goes with --bill.');
  const faultShare = number('faults', values.faults, 0);
  return {
    options: {
      seed: values.seed,
      month: values.month,
      transactions: number('transactions', values.transactions, 0),
      timeZone: values['time-zone'] ?? 'UTC',
      port: number('port', values.port, 0),
      faults: faultShare > 0 ? { share: faultShare } : null,
      latencyMs: number('latency-ms', values['latency-ms'], 0),
      abandonedShare: number('abandoned', values.abandoned, 0.2),
      unknownCodeShare: number('unknown-codes', values['unknown-codes'], 0),
      counterMismatchShare: number('counter-mismatches', values['counter-mismatches'], 0),
      listMissingShare: number('lists-missing', values['lists-missing'], 0),
      byHand: values['by-hand'] ?? false,
    },
    idsFile: values.ids ?? null,
    invoiceFile: values.invoice ?? null,
    bill: values.bill === undefined ? null : { folder: values.bill, mistakes: parseMistakes(values.mistakes ?? '') },
    pricesFile: values.prices ?? null,
  };
}

function number(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d+(\.\d+)?$/.test(text)) throw new RangeError(`--${name} is a number, not "${text}".`);
  return Number(text);
}
