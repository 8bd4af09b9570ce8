import { Refused } from './refused.ts';

/** As semver.org has it, without what stands after a `+`: npm drops that. */
const form =
  /^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-(?:0|[1-9]\d*|\d*[a-z-][\da-z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-z-][\da-z-]*))*)?$/i;

/** @throws Refused for a version that cannot come after the present one. */
export function checkVersion(version: string, present: string): void {
  if (!form.test(version)) throw new Refused(`"${version}" is no version. Give one such as 1.4.0 or 1.4.0-rc.1.`);
  if (compareVersions(version, present) <= 0)
    throw new Refused(`${version} does not come after ${present}, which package.json has. Give a greater version.`);
}

/** Less than, equal to or greater than 0, by the precedence of semver.org. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [partsOf(one), partsOf(other)];
  const byNumbers = compareParts(a.numbers, b.numbers);
  if (byNumbers !== 0) return byNumbers;
  // What has a pre-release part comes before what has none.
  if (a.preRelease.length === 0 || b.preRelease.length === 0) return b.preRelease.length - a.preRelease.length;
  return compareParts(a.preRelease, b.preRelease);
}

function partsOf(version: string): { numbers: string[]; preRelease: string[] } {
  const [, numbers = '', preRelease = ''] = /^([\d.]+)-?(.*)$/.exec(version) ?? [];
  return { numbers: numbers.split('.'), preRelease: preRelease === '' ? [] : preRelease.split('.') };
}

function compareParts(some: readonly string[], others: readonly string[]): number {
  for (const [place, part] of some.entries()) {
    const other = others[place];
    if (other === undefined) return 1;
    if (part === other) continue;
    const [isNumber, isOtherNumber] = [part, other].map((one) => /^\d+$/.test(one));
    if (isNumber && isOtherNumber) return BigInt(part) < BigInt(other) ? -1 : 1;
    // Numbers come before words.
    if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
    return part < other ? -1 : 1;
  }
  return some.length - others.length;
}
