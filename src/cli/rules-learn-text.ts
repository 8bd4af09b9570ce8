import { type ComparedFinding, type ComparedSpan, isContradicted } from '../domain/rule-learning/compare.ts';
import type { Scope, Witness } from '../domain/rule-learning/findings.ts';
import { isProposed } from '../domain/rule-learning/propose.ts';
import { counted } from '../domain/wording.ts';
import type { LearnedRules, LearnedStretch } from '../jobs/rules/learn-rules.ts';
import { printable, table } from './output.ts';

/** What was learned, for a person: what contradicts the rule table comes first. */
export function learnedText({ stretches, proposal, timeZone }: LearnedRules, out: string | undefined): string[] {
  return [
    ...stretches.flatMap((stretch) => [...stretchText(stretch, timeZone), '']),
    ...proposalText(stretches, proposal !== undefined, out),
  ].map(printable);
}

function stretchText(stretch: LearnedStretch, timeZone: string): string[] {
  const { firstDay, lastDay, table: rules, use, isPartial, change, spans } = stretch;
  return [
    `${firstDay} to ${lastDay}, days in ${timeZone}: the counters of ${counted(use.usable, 'task')} against ${rules?.version ?? 'no rule table'}`,
    ...leftOutText(stretch),
    ...(isPartial ? ['There are too many different tasks: those that occur most often were looked at.'] : []),
    ...againstText(stretch),
    ...(change
      ? [
          change.earliest === change.latest
            ? `The charges changed on ${change.latest}.`
            : `The charges changed between ${change.earliest} and ${change.latest}.`,
        ]
      : []),
    ...spans.flatMap((span) => ['', ...spanText(span)]),
  ];
}

function leftOutText({ use }: LearnedStretch): string[] {
  const reasons: [number, string][] = [
    [use.notSettled, 'not settled'],
    [use.withoutCounter, 'without a counter'],
    [use.notListed, 'not listed scan by scan'],
    [use.acrossBounds, 'with scans on days outside'],
  ];
  const left = reasons.filter(([tasks]) => tasks > 0).map(([tasks, why]) => `${tasks} ${why}`);
  return left.length === 0 ? [] : [`Left out: ${left.join(', ')}.`];
}

function againstText(stretch: LearnedStretch): string[] {
  const { against } = stretch;
  if (against.tasks === 0) return isContradicted(stretch) ? [] : ['No counter contradicts the rule table.'];
  const more = against.transactionIds.length < against.tasks ? ' and others' : '';
  return [
    `The counters of ${counted(against.tasks, 'task')} contradict the rule table, the first on ${against.firstDay ?? ''}: ${against.transactionIds.slice(0, named).join(', ')}${more}`,
  ];
}

function spanText({ fromDay, toDay, codes, contradictions }: ComparedSpan): string[] {
  const rows = [...codes].sort((a, b) => Number(b.contradictsTable) - Number(a.contradictsTable));
  return [
    ...(toDay === null ? [] : [`Before ${toDay}:`]),
    ...(fromDay === null ? [] : [`From ${fromDay} on:`]),
    ...contradictions.slice(0, named).map(({ observations, setAside }) => {
      const ids = (some: typeof observations) => some.map(({ transactionId }) => transactionId).join(', ');
      return `Contradict each other, whatever is charged: ${ids(observations)}. Set aside: ${ids(setAside)}.`;
    }),
    ...(contradictions.length > named ? [`… and ${contradictions.length - named} more contradictions.`] : []),
    ...table(
      ['task type', 'code', 'the rule table says', 'the counters say', 'proof'],
      rows.map((finding) => [
        finding.taskType,
        `${finding.code ?? 'success'}${Object.keys(finding.scope).length === 0 ? '' : `, ${scopeText(finding.scope)}`}`,
        verdict(finding.tableSays, 'no rule'),
        saidText(finding),
        proofText(finding.proof),
      ]),
    ),
  ];
}

const named = 3;

const verdict = (charged: boolean | null, otherwise: string): string =>
  charged === null ? otherwise : charged ? 'charged' : 'not charged';

function saidText({ charged, ground, contradictsTable, since, unproven, tasks }: ComparedFinding): string {
  if (charged === null) return `undetermined: ${whyOpen[ground]} (${counted(tasks, 'task')})`;
  const words = [
    contradictsTable ? `${verdict(charged, '').toUpperCase()} since ${since ?? 'the beginning'}` : verdict(charged, ''),
    ...(unproven.length === 0 ? [] : [`unproven where ${unproven.map(scopeText).join(' or ')}`]),
  ];
  return words.join('; ');
}

const whyOpen: Readonly<Record<ComparedFinding['ground'], string>> = {
  proven: '',
  inseparable: 'the counters fit either way',
  contradictory: 'counters contradict each other',
  too_much_work: 'too much work to decide',
};

function scopeText(scope: Scope): string {
  const texts = [
    'linked' in scope ? (scope.linked === null ? 'linked unknown' : scope.linked ? 'linked' : 'not linked') : null,
    'level' in scope ? (scope.level === null ? 'no level' : `level ${scope.level}`) : null,
    'captureSource' in scope ? (scope.captureSource === null ? 'no source' : `source ${scope.captureSource}`) : null,
  ];
  return texts.filter((text) => text !== null).join(', ');
}

function proofText(proof: readonly Witness[]): string {
  const more = proof.length > named ? ` and ${proof.length - named} more` : '';
  const [only] = proof;
  const alike = proof.length === 1 && only && only.tasks > 1 ? ` (${only.tasks} alike)` : '';
  return `${proof
    .slice(0, named)
    .map(({ transactionId }) => transactionId)
    .join(', ')}${more}${alike}`;
}

function proposalText(stretches: readonly LearnedStretch[], isProposal: boolean, out: string | undefined): string[] {
  const all = stretches.flatMap(({ spans }) => spans).flatMap(({ codes }) => codes);
  const kept = all.filter((finding) => finding.contradictsTable && !isProposed(finding)).length;
  return [
    ...(kept > 0
      ? [
          `${counted(kept, 'contradiction')} cannot be put into a rule table: not proven of all scans of the code, or charged by more than its code.`,
        ]
      : []),
    isProposal
      ? out === undefined
        ? 'A rule table that says what the counters prove: --out <file>. The rules in use stay as they are.'
        : `Proposed rule table in ${out}. The rules in use stay as they are until RULES_FILE names it.`
      : 'Nothing to propose.',
  ];
}
