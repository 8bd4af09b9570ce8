import { expect, test } from 'vitest';
import { reconciliationJson, reconciliationText } from '../../src/cli/reconcile-text.ts';
import type { Finding } from '../../src/domain/reconciliation/findings.ts';
import type { Reconciliation } from '../../src/jobs/reconcile/reconcile-month.ts';

const reconciled = (held: string[], ruledOut: string[]): Reconciliation => ({
  head: {
    period: '2026-01',
    basis: 'restated',
    isProvisional: false,
    currency: 'EUR',
    minorDigits: 2,
    invoices: [],
    usage: null,
    decisions: new Map(),
    former: new Map(),
    standings: new Map(),
    carried: [],
    differing: new Map(),
  },
  found: { findings: [], matches: [], evidence: [], total: { ownAmount: 0n, vendorAmount: 0n, amountDifference: 0n } },
  explanation: {
    outcome: 'same',
    candidates: [],
    steps: [],
    evidence: [],
    cells: [],
    setsTried: 0,
    isBounded: false,
    held,
    ruledOut,
  },
  directory: 'reports',
  files: [],
  replaced: null,
  withdrawn: [],
  gone: [],
});

test('what held last month and what the counters rule out is told', () => {
  const now = new Date('2026-02-01T00:00:00Z');
  const told = reconciled(['cutoff:UTC+01:00'], ['rule:document_scan/a', 'rule:document_scan/b']);
  const text = reconciliationText(told, now).join('\n');
  expect(text).toContain('Preferred, since it explained the month before, too: cutoff:UTC+01:00');
  expect(text).toContain('agree with the rules: rule:document_scan/a, rule:document_scan/b');
  expect(JSON.parse(reconciliationJson(told, now, []))).toMatchObject({
    ...{ held: ['cutoff:UTC+01:00'], ruled_out: ['rule:document_scan/a', 'rule:document_scan/b'], is_bounded: false },
  });
  expect(reconciliationText(reconciled([], []), now).join('\n')).not.toMatch(/Preferred|Left out/);
});

test('what else may be the cause is told of what is ambiguous, and only of that', () => {
  const finding = (id: string, alternatives: string): Finding => ({
    id,
    about: id,
    place: 'INV-1:1',
    invoiceNumber: 'INV-1',
    invoiceLine: '1',
    taskType: 'document_scan',
    level: 'advanced',
    ownQuantity: 10n,
    vendorQuantity: 9n,
    ownUnitPrice: null,
    vendorUnitPrice: null,
    ownAmount: null,
    vendorAmount: null,
    effect: 'quantity',
    cause: 'cutoff',
    subject: 'UTC+01:00',
    certainty: alternatives === '' ? 'fits' : 'ambiguous',
    alternatives,
    quantityDifference: -1n,
    amountDifference: -850_000n,
    likelyWrong: null,
    evidenceRows: 0,
  });
  const many = ['cutoff(UTC+01:00)', 'rule(a)+late(b)', 'rule(c)', 'rule(d)', 'rule(e)', 'something else'].join('|');
  const told = reconciled([], []);
  const of = (...findings: Finding[]) =>
    reconciliationText({ ...told, found: { ...told.found, findings } }, new Date('2026-02-01T00:00:00Z')).join('\n');
  expect(of(finding('aaaaaaaaaaaaaaaa', ''), finding('bbbbbbbbbbbbbbbb', many))).toContain(
    'Ambiguous, so it may be:\n  bbbbbbbbbbbbbbbb  cutoff(UTC+01:00), or rule(a) + late(b), or rule(c), or rule(d), or 2 more\n',
  );
  expect(of(finding('aaaaaaaaaaaaaaaa', ''))).not.toContain('Ambiguous');
});
