import { formatAmount } from '../../domain/money.ts';
import { manifestName } from '../names.ts';
import type { KnownReport } from './manifest.ts';
import { type Problems, shown } from './problems.ts';
import type { Row } from './reading.ts';
import type { Tally } from './tally.ts';

type Found = {
  readonly tally: Tally | undefined;
  readonly total: Row | undefined;
  readonly discrepancies: number | undefined;
};

/** Checks the manifest's control totals against the files. */
export function checkControlTotals({ manifest, minorDigits }: KnownReport, found: Found, problems: Problems): void {
  const { control_totals: control } = manifest;
  const is = (name: keyof typeof control, actual: string | bigint | number, where: string) => {
    if (String(control[name] ?? '') !== String(actual))
      problems.add(manifestName, `control_totals.${name} is ${shown(control[name])}, ${where} ${shown(actual)}`, {
        column: name,
      });
  };
  const { tally, total, discrepancies } = found;
  if (tally) {
    const addsUp = 'the detail file adds up to';
    is('attempts', tally.total.attempts, addsUp);
    is('invoiced', tally.total.invoiced, addsUp);
    is('not_invoiced', tally.total.notInvoiced, addsUp);
    is('unclassified', tally.total.unclassified, addsUp);
    is('unpriced', tally.total.unpriced, addsUp);
    is('corrections', tally.corrections, 'the detail file has');
    const isKnown = control.currency !== null && tally.total.unpriced === 0n;
    is('unrounded_amount', isKnown ? formatAmount(tally.total.amount, minorDigits) : '', addsUp);
  }
  if (total) {
    is('amount', total.cell('amount'), "the summary's TOTAL is");
    is('vendor_counter', total.cell('vendor_counter'), "the summary's TOTAL is");
  }
  if (discrepancies !== undefined) is('discrepancies', discrepancies, 'the discrepancies file has');
}
