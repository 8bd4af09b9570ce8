/**
 * How far each fact has come. The vendor answers from copies that lag, and answers may be stored late: what has come
 * further is never taken back by what has not. Of two that have come equally far, the later one counts.
 *
 * Values that are not listed are states and codes of any other name, and `null`, a success.
 */
const stages = {
  /** A transaction that was completed once was (DOC: only then there is a result); `pending` is how it begins. */
  transactionState: { pending: 0, other: 1, completed: 2 },
  taskState: { pending: 0, other: 1, completed: 2 },
  /** `processing` ends with another code (DOC: it is not invoiced). */
  code: { processing: 0, other: 1 },
  timeBasis: { transaction_created: 0, last_scan_created: 1, transaction_completed: 2, scan_created: 3 },
  evidence: {
    count_only: 0,
    counter_not_invoiced: 1,
    counter_invoiced: 1,
    task_open_transaction: 2,
    task_completed_transaction: 3,
    scan_list: 4,
  },
} as const satisfies Record<string, Readonly<Record<string, number>>>;

export type Fact = keyof typeof stages;
export const factStages: Readonly<Record<Fact, Readonly<Record<string, number>>>> = stages;

const stageOf = (fact: Fact, value: string | null): number => {
  const known = factStages[fact];
  return (value === null ? undefined : known[value]) ?? known['other'] ?? 0;
};

/**
 * Whether what is known of a fact stays, whatever an answer says of it.
 *
 * @param isOlder whether the answer was asked for before the one that `known` is from.
 */
export function stays(fact: Fact, known: string | null, said: string | null, isOlder: boolean): boolean {
  const [before, now] = [stageOf(fact, known), stageOf(fact, said)];
  return before > now || (before === now && isOlder);
}
