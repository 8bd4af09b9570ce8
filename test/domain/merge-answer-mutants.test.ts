import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { mergeAnswer } from '../../src/domain/merge-answer.ts';
import { checkChanges, checkRecodings, checkUnions } from './support-histories.ts';

const seed = Number(process.env['ANSWER_SEED'] ?? '16');
const timeout = 3_600_000;

describe('a merge that is wrong is found', () => {
  const folders: string[] = [];
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true });
  });

  /** The domain with something in it replaced. */
  async function mutant(file: string, from: string, to: string): Promise<typeof mergeAnswer> {
    const folder = await mkdtemp(path.join(import.meta.dirname, '../../node_modules/.mutant-'));
    folders.push(folder);
    const domain = path.join(folder, 'domain');
    await cp(path.join(import.meta.dirname, '../../src/domain'), domain, { recursive: true });
    const source = await readFile(path.join(domain, file), 'utf8');
    if (source.split(from).length !== 2) throw new Error(`${file} has not one ${JSON.stringify(from)}`);
    await writeFile(
      path.join(domain, file),
      source.replace(from, () => to),
    );
    return ((await import(path.join(domain, 'merge-answer.ts'))) as { mergeAnswer: typeof mergeAnswer }).mergeAnswer;
  }

  test.each([
    ['entries are numbered anew', 'match-attempts.ts', 'JSON.stringify([timeMs, code, source])', "''"],
    ['what is at the same time is another attempt', 'match-attempts.ts', ', alike(timeAndSource), ', ', '],
    [
      'a decided scan is another one than when it was processing',
      'match-attempts.ts',
      '  { ofEntry: timeAndSource, ofKnown: only(isProcessing, timeAndSource) },\n  { ofEntry: only(isProcessing, timeAndSource), ofKnown: timeAndSource },\n];\nconst fromTheSameSource: readonly Step[] = [...asDecided, alike(timeAndSource), ',
      '];\nconst fromTheSameSource: readonly Step[] = [...asDecided, ',
    ],
    ['identical entries are one', 'match-attempts.ts', 'if (entries.length <= counted) return [];', 'counted = 1;'],
    [
      'what is listed twice counts twice',
      'match-attempts.ts',
      'setAside(repeatedIn(entries, counter))',
      '[] as ScanFacts[]',
    ],
    ['a changed time makes another attempt', 'match-attempts.ts', 'pair(atAnotherTime, tooMany)', ''],
    ['a counter that lags is believed', 'match-attempts.ts', 'Math.max(attempts ?? 0, greatest)', 'attempts ?? 0'],
    [
      'what an answer omits is dropped',
      'merge-answer.ts',
      'return entry ? confirmed(attempt, entry, { fence, decide }) : attempt;',
      'return entry ? confirmed(attempt, entry, { fence, decide }) : { ...attempt, invoiced: false };',
    ],
    [
      'a code goes back to processing',
      'merge-answer.ts',
      "stays('code', known.code, entry.code, known.fence >= fence)",
      'known.fence >= fence',
    ],
    ['what stood in stays beside what is listed', 'merge-answer.ts', 'ordinals.shift() ?? (last += 1)', '(last += 1)'],
    ['a time that was changed is forgotten', 'match-attempts.ts', 'pair(fromTheSameSource.map(byFormerTimes));', ''],
    ['counters fall', 'merge-answer.ts', ': Math.max(a, b);', ': b;'],
    [
      'an archived transaction was never completed',
      'precedence.ts',
      'return before > now || (before === now && isOlder);',
      'return before === now && isOlder;',
    ],
  ])('%s', { timeout }, async (_, file, from, to) => {
    const merge = await mutant(file, from, to);
    const isFound = (check: () => void): boolean => {
      try {
        check();
        return false;
      } catch {
        return true;
      }
    };
    // Most are found soon by one of the checks: none of them goes on for long before the others had their turn.
    const isFoundWithin = (numRuns: number): boolean =>
      [checkUnions, checkChanges, checkRecodings].some((check) =>
        isFound(() => check(merge, { numRuns, seed, endOnFailure: true })),
      );
    expect([50, 250, 1_000].some(isFoundWithin)).toBe(true);
  });
});
