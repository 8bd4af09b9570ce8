import { explain } from '../../src/domain/reconciliation/explain.ts';
import { caseOf, documentOf } from '../../test/domain/reconciliation/support-case.ts';
import { applied, libraryFault } from '../../test/domain/reconciliation/support-faults.ts';
import { chance } from '../../test/domain/reconciliation/support-months.ts';
import { invoiceOf } from '../../test/domain/reconciliation/support-vendor.ts';
import { median } from '../measure.ts';
import type { Figure } from './figure.ts';

const attempts = 300_000;
/** More than one of each kind of fault in most rounds. The first round warms up. */
const invoices = 20;

/** One invoice with a single fault explained on the cube of a month, in processor time: all sets of hypotheses tried. */
export const explaining: Figure = {
  name: 'explain',
  unit: 'ms',
  describe: (scale) => `explaining an invoice of ${Math.round(attempts * scale)} attempts, once the month is a cube`,
  prepare: ({ scale }) => {
    const one = caseOf(7, Math.max(300, Math.round(attempts * scale)));
    const random = chance(1);
    const documents = Array.from({ length: invoices }, () => {
      const faults = [libraryFault(random, one.model, one.lists)];
      const invoice = invoiceOf(one.model, applied(one.own, faults));
      return documentOf(invoice, { period: one.model.period, printsFree: true });
    });
    const costs = (): number[] =>
      documents.map((document) => {
        const before = process.cpuUsage();
        explain(one.month, document);
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1_000;
      });
    costs();
    const run = () => {
      const each = costs();
      return Promise.resolve({ value: median(each), also: { most: Math.max(...each) } });
    };
    return Promise.resolve({
      contenders: [{ name: 'idscan-ledger', run }],
      lines: [
        { what: 'processor time of an explanation, ms', of: 'idscan-ledger', over: null, goal: { atMost: 50 } },
        { what: 'of the slowest', of: 'idscan-ledger', over: null, also: 'most' },
      ],
      end: () => Promise.resolve(),
    });
  },
};
