import { chance, type ModelMonth, pick } from './support-months.ts';
import type { ModelList, ModelPrice } from './support-vendor.ts';

const price = (
  type: ModelPrice['type'],
  level: string | null,
  unit: bigint,
  { from = '', free = 0 }: { from?: string; free?: number } = {},
): ModelPrice => ({ type, level, model: 'flat', steps: [{ size: Infinity, price: unit }], free, from });

const stepped = (
  model: 'graduated' | 'volume',
  type: ModelPrice['type'],
  level: string | null,
  steps: readonly (readonly [number, bigint])[],
  free = 0,
): ModelPrice => ({ type, level, model, steps: steps.map(([size, unit]) => ({ size, price: unit })), free, from: '' });

/** Prices of several kinds: those of the books first, then other versions that are known. */
export function contractOf(seed: number, month: ModelMonth, size: number): ModelList[] {
  const random = chance(seed);
  const template = pick(random, ['flat', 'flat', 'tiers', 'tiers', 'shared', 'changing'] as const);
  const unit = (at: bigint, step: bigint): bigint => at + step * BigInt(Math.floor(random() * 9) - 4);
  const minimum = random() < 0.4 ? BigInt(Math.round(size * (0.1 + 0.7 * random()))) * 1_000_000n : 0n;
  const lists = ['2026', '2025', 'offer-3'].map((version): ModelList => ({
    version,
    minimum: version === '2026' || random() < 0.7 ? minimum : minimum * 2n,
    prices: pricesOf(template, unit, month, size),
  }));
  return lists.slice(0, 1 + Math.floor(random() * 3));
}

function pricesOf(
  template: 'flat' | 'tiers' | 'shared' | 'changing',
  unit: (at: bigint, step: bigint) => bigint,
  { period }: ModelMonth,
  size: number,
): ModelPrice[] {
  const step = (share: number) => Math.max(2, Math.round(size * share));
  const faces = [
    price('face_liveness', null, unit(333_300n, 1_700n)),
    price('face_match', null, unit(250_000n, 5_000n)),
  ];
  switch (template) {
    case 'flat':
      return [
        price('document_scan', 'advanced', unit(850_000n, 10_000n)),
        price('document_scan', null, unit(625_000n, 2_500n)),
        ...faces,
      ];
    case 'changing':
      return [
        price('document_scan', 'advanced', unit(850_000n, 10_000n)),
        price('document_scan', 'advanced', unit(790_000n, 10_000n), { from: `${period}-16` }),
        price('document_scan', null, unit(625_000n, 2_500n)),
        ...faces,
      ];
    case 'tiers':
      return [
        stepped(
          'graduated',
          'document_scan',
          'advanced',
          [
            [step(0.1), unit(850_000n, 10_000n)],
            [step(0.15), unit(700_000n, 10_000n)],
            [Infinity, unit(625_000n, 5_000n)],
          ],
          step(0.02),
        ),
        price('document_scan', 'basic', unit(600_000n, 10_000n), { free: step(0.01) }),
        price('document_scan', null, unit(550_000n, 10_000n)),
        stepped('volume', 'face_liveness', null, [
          [step(0.15), unit(333_300n, 1_700n)],
          [Infinity, unit(250_000n, 5_000n)],
        ]),
        price('face_match', null, unit(250_000n, 5_000n)),
      ];
    case 'shared':
      return [
        price('document_scan', 'advanced', unit(850_000n, 10_000n)),
        stepped(
          'graduated',
          'document_scan',
          null,
          [
            [step(0.08), unit(650_000n, 10_000n)],
            [Infinity, unit(550_000n, 10_000n)],
          ],
          step(0.01),
        ),
        ...faces,
      ];
  }
}
