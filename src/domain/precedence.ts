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
} as const satisfies Record<string, { readonly other: number; readonly [value: string]: number }>;

export type Fact = keyof typeof stages;

/** Names are compared, not looked up: the vendor may call a code what every object has, such as `constructor`. */
const stageOf = (fact: Fact, value: string | null): number => {
  const { other, ...named } = stages[fact];
  return Object.entries(named).find(([name]) => name === value)?.[1] ?? other;
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
