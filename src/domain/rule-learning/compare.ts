import { classify, type RuleTable } from '../classify.ts';
import { type CodeFinding, isAbout } from './findings.ts';
import type { Learned, LearnedSpan } from './learn.ts';
import type { Observation, ScanClass } from './observations.ts';

/** A finding beside what the rule table says. */
export type ComparedFinding = CodeFinding & {
  /** `null` = it has no rule for the code. */
  readonly tableSays: boolean | null;
  readonly contradictsTable: boolean;
  /** The first day with a task that contradicts the table about such a scan. */
  readonly since: string | null;
};

/** Tasks whose counter the rule table cannot give. */
type AgainstTable = {
  readonly tasks: number;
  readonly firstDay: string | null;
  /** Some of the transactions. */
  readonly transactionIds: readonly string[];
};

export type ComparedSpan = Omit<LearnedSpan, 'codes'> & { readonly codes: readonly ComparedFinding[] };
export type Comparison = {
  readonly spans: readonly ComparedSpan[];
  readonly change: Learned['change'];
  readonly against: AgainstTable;
};

const namedAtMost = 10;

/**
 * Holds what the counters say against the rule table in force.
 *
 * @param observations those that it was learned from.
 * @param table `undefined` = none is in force.
 */
export function compareWithTable(
  { spans, change }: Learned,
  observations: readonly Observation[],
  table: RuleTable | undefined,
): Comparison {
  const says = ({ taskType, code }: Pick<ScanClass, 'taskType' | 'code'>) =>
    classify({ taskType, evidence: 'scan_list', code }, table).invoiced;
  const refuting = observations.filter((one) => !canGive(one, says)).sort(byDay);
  const compared = (finding: CodeFinding, span: LearnedSpan): ComparedFinding => {
    const tableSays = says(finding);
    const contradictsTable = tableSays !== null && finding.charged !== null && finding.charged !== tableSays;
    const first = refuting.find((one) => isWithin(one, span) && one.scans.some((scan) => isAbout(finding, scan)));
    return { ...finding, tableSays, contradictsTable, since: contradictsTable ? (first?.firstDay ?? null) : null };
  };
  return {
    spans: spans.map((span) => ({ ...span, codes: span.codes.map((finding) => compared(finding, span)) })),
    change,
    against: {
      tasks: refuting.reduce((sum, { tasks }) => sum + tasks, 0),
      firstDay: refuting[0]?.firstDay ?? null,
      transactionIds: refuting.slice(0, namedAtMost).map(({ transactionId }) => transactionId),
    },
  };
}

/** Whether the counter can be what the table says. A scan without a rule can be charged or not. */
function canGive({ scans, charged }: Observation, says: (scan: ScanClass) => boolean | null): boolean {
  const least = scans.filter((scan) => says(scan) === true).length;
  const most = scans.filter((scan) => says(scan) !== false).length;
  return least <= charged && charged <= most;
}

const byDay = (a: Observation, b: Observation): number => a.firstAt.getTime() - b.firstAt.getTime();

const isWithin = ({ firstDay, lastDay }: Observation, { fromDay, toDay }: LearnedSpan): boolean =>
  (fromDay === null || firstDay >= fromDay) && (toDay === null || lastDay < toDay);

/** Whether anything speaks against the table, or counters against each other. */
export const isContradicted = ({ spans, against }: Comparison): boolean =>
  against.tasks > 0 ||
  spans.some(
    ({ codes, contradictions }) => contradictions.length > 0 || codes.some(({ contradictsTable }) => contradictsTable),
  );
