import type { RuleTable } from '../classify.ts';
import type { ComparedFinding, ComparedSpan, Comparison } from './compare.ts';

/** What was learned about the days of one rule table. */
export type LearnedTable = {
  readonly table: RuleTable;
  readonly comparison: Comparison;
  /** The first day that was looked at. */
  readonly firstDay: string;
};

/**
 * The rule tables as they would be if they said what the counters prove. Only what is proven of all scans of a code is
 * taken over; `linked`, level and source are nothing that a rule table can name.
 *
 * @param source why, for the tables that differ.
 * @returns `undefined` if nothing would differ.
 */
export function proposedTables(
  tables: readonly RuleTable[],
  learned: readonly LearnedTable[],
  source: string,
): RuleTable[] | undefined {
  const versions = new Set(tables.map(({ version }) => version));
  const newVersion = (version: string): string => {
    const base = `${version.slice(0, 52)}-learned`;
    let name = base;
    for (let number = 2; versions.has(name); number += 1) name = `${base}-${number}`;
    versions.add(name);
    return name;
  };
  const proposed = tables.flatMap((table) => {
    const one = learned.find(({ table: { version } }) => version === table.version);
    const parts = one ? partsOf(table, one) : [];
    // Where nothing changes for the table, it is not taken apart.
    if (parts.every(({ rules }) => isSame(rules, table.rules))) return [table];
    return parts.map((part, index) => {
      const isOwn = isSame(part.rules, table.rules);
      if (isOwn && parts.findIndex(({ rules }) => isSame(rules, table.rules)) === index) return part;
      return {
        ...part,
        version: newVersion(table.version),
        source: isOwn ? table.source : `${table.source}\n${source}`,
      };
    });
  });
  return proposed.some((table) => !tables.includes(table)) ? proposed : undefined;
}

/** A table with what was learned, day by day in order. Of the days before the first one that was looked at nothing is said. */
function partsOf(table: RuleTable, { comparison: { spans, change }, firstDay }: LearnedTable): RuleTable[] {
  const start = firstDay > table.effectiveFrom ? firstDay : table.effectiveFrom;
  const learned = spans.map((span) => ({
    ...table,
    ...bounds(table, start, span, change),
    rules: rulesWith(table, span),
  }));
  const all = start > table.effectiveFrom ? [{ ...table, effectiveTo: start }, ...learned] : learned;
  return all.reduce<RuleTable[]>((parts, part) => {
    const before = parts.at(-1);
    if (!before || !isSame(before.rules, part.rules)) return [...parts, part];
    return [...parts.slice(0, -1), { ...before, effectiveTo: part.effectiveTo }];
  }, []);
}

/** Between the last day that is proven to be before a change and the first one after it, the table stays as it was. */
const bounds = (table: RuleTable, start: string, { fromDay, toDay }: ComparedSpan, change: Comparison['change']) => ({
  effectiveFrom: fromDay ?? start,
  effectiveTo: toDay === null ? table.effectiveTo : (change?.latest ?? toDay),
});

/** Whether a finding says of all scans of a code what no rule says yet, or a rule has otherwise. */
export const isProposed = ({ scope, charged, unproven, tableSays, code }: ComparedFinding): boolean =>
  charged !== null &&
  charged !== tableSays &&
  Object.keys(scope).length === 0 &&
  unproven.length === 0 &&
  // Codes in brackets are ours: there is none in the answer.
  !(code ?? '').startsWith('(');

function rulesWith({ rules }: RuleTable, { codes }: ComparedSpan): RuleTable['rules'] {
  const news = codes.filter(isProposed);
  const about = (rule: RuleTable['rules'][number]) =>
    news.find(({ taskType, code }) => taskType === rule.taskType && code === rule.outcomeCode);
  return [
    ...rules.map((rule) => ({ ...rule, invoiced: about(rule)?.charged ?? rule.invoiced })),
    ...news
      .filter(({ tableSays }) => tableSays === null)
      .map(({ taskType, code, charged }) => ({ taskType, outcomeCode: code, invoiced: charged === true })),
  ];
}

const isSame = (a: RuleTable['rules'], b: RuleTable['rules']): boolean =>
  a.length === b.length && a.every(({ invoiced }, index) => invoiced === b[index]?.invoiced);
