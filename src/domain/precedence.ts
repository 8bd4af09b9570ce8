/**
 * How far each fact has come. The vendor answers from copies that lag, and answers may be stored late: what has come less
 * far takes back nothing of what has come further. Of two that have come equally far, the later one counts.
 *
 * Values that are not listed are states and codes of any other name, and `null`, a success.
 */
const stages = {
  /** A transaction that was completed once was (DOC: only then there is a result); `pending` is how it begins. */
  transactionState: { pending: 0, other: 1, completed: 2 },
  /** `completed` and `failed` say that it was executed; of others, which come with the end of a transaction, nobody knows. */
  taskState: { pending: 0, other: 1, completed: 2, failed: 2 },
  /** `processing` ends with another code (DOC: it is not invoiced). */
  code: { processing: 0, other: 1 },
} as const satisfies Record<string, { readonly other: number; readonly [value: string]: number }>;

export type Fact = keyof typeof stages;

/** Names are compared, not looked up: the vendor may call a code what every object has, such as `constructor`. */
const stageOf = (fact: Fact, value: string | null): number => {
  const { other, ...named } = stages[fact];
  return Object.entries(named).find(([name]) => name === value)?.[1] ?? other;
};

/**
 * Whether what is known stays, whatever an answer says: the answer is from a copy that lags, or was stored late.
 *
 * @param isOlder whether the answer was asked for before the one that `known` is from.
 */
export function stays(fact: Fact, known: string | null, said: string | null, isOlder: boolean): boolean {
  const [before, now] = [stageOf(fact, known), stageOf(fact, said)];
  return before > now || (before === now && isOlder);
}
