import { parseArgs } from 'node:util';
import type { SimulatorOptions } from './options.ts';

export type SimulatorCommand = {
  readonly options: SimulatorOptions;
  readonly idsFile: string | null;
  readonly invoiceFile: string | null;
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
  --ids <file>                   write transaction_id,result_id
  --invoice <file>               write the vendor's invoice as JSON
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
      ids: text,
      invoice: text,
    },
  });
  if (values.seed === undefined || values.month === undefined || values.transactions === undefined)
    throw new TypeError('--seed, --month and --transactions are needed.');
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
    },
    idsFile: values.ids ?? null,
    invoiceFile: values.invoice ?? null,
  };
}

function number(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d+(\.\d+)?$/.test(text)) throw new RangeError(`--${name} is a number, not "${text}".`);
  return Number(text);
}
