/**
 * The stage that each fact has reached. The vendor answers from replicas that lag, and answers may be stored late, so
 * an answer at an earlier stage never overrides a later stage. At equal stages the answer that was requested last
 * counts.
 *
 * `other` covers states and codes that are not listed here, and `null`, a success.
 */
const stages = {
  /** `pending` is the first state. `completed` is final: only then is there a result (DOC). */
  transactionState: { pending: 0, other: 1, completed: 2 },
  /** `completed` and `failed` prove that the task was executed. Other states prove nothing. */
  taskState: { pending: 0, other: 1, completed: 2, failed: 2 },
  /** The vendor replaces `processing` by another code. It is not invoiced (DOC). */
  code: { processing: 0, other: 1 },
} as const satisfies Record<string, Readonly<Record<string, number>>>;

export type Fact = keyof typeof stages;

const stageOf = (fact: Fact, value: string | null): number => {
  const known: Readonly<Record<string, number>> = stages[fact];
  return (value === null ? undefined : known[value]) ?? known['other'] ?? 0;
};

/**
 * Whether the known value stays because the answer comes from a replica that lags or was stored late.
 *
 * @param isOlder whether the answer was requested before the one that gave `known`.
 */
export function stays(fact: Fact, known: string | null, said: string | null, isOlder: boolean): boolean {
  const [before, now] = [stageOf(fact, known), stageOf(fact, said)];
  return before > now || (before === now && isOlder);
}
