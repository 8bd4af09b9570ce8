import { expect, test } from 'vitest';
import { type CodeFinding } from '../../../src/domain/rule-learning/findings.ts';
import { learn, learnChange, type Learned, mayHaveChanged } from '../../../src/domain/rule-learning/learn.ts';
import { idsOf } from './support-observations.ts';
import {
  documentedCodes,
  type HiddenTable,
  hiddenTable,
  manyCodes,
  observationsOf,
  type SimulatedTask,
  simulatedMonth,
} from './support-months.ts';

const findingText = ({ code, scope, charged, ground, proof, unproven, tasks, firstAt }: CodeFinding): string =>
  [
    `${code} ${JSON.stringify(scope)}: ${charged} ${ground}`,
    `proof ${proof.map((one) => `${one.transactionId} ${one.tasks}`).join()}`,
    `unproven ${JSON.stringify(unproven)}`,
    `${tasks} tasks from ${firstAt.toISOString().slice(0, 10)}`,
  ].join('; ');

const said = ({ spans, change }: Learned): string[] => [
  ...(change ? [`change from ${change.earliest} to ${change.latest}`] : []),
  ...spans.flatMap(({ fromDay, toDay, codes, contradictions }) => [
    `from ${fromDay} to ${toDay}`,
    ...codes.map(findingText),
    ...contradictions.map(
      (one) => `contradiction ${idsOf(one.observations).join()}; aside ${idsOf(one.setAside).join()}`,
    ),
  ]),
];

/** Some counters are off by one. */
const faulty = (tasks: readonly SimulatedTask[], every: number) =>
  tasks.map((task, index) => (index % every === every - 1 ? { ...task, charged: task.charged + 1 } : task));
const changing = (seed: number): HiddenTable => {
  const charges = hiddenTable(seed, documentedCodes);
  return (scan, day) => (scan.code === documentedCodes[2] && day > 15 ? !charges(scan, day) : charges(scan, day));
};

test.each<[what: string, tasks: SimulatedTask[]]>([
  ['few tasks', simulatedMonth(3, documentedCodes, hiddenTable(3, documentedCodes), 12)],
  ['many tasks', simulatedMonth(4, documentedCodes, hiddenTable(4, documentedCodes), 150)],
  ['many codes', simulatedMonth(5, manyCodes, hiddenTable(5, manyCodes), 60)],
  ['charges by linked', simulatedMonth(6, documentedCodes, hiddenTable(6, documentedCodes, 2), 150)],
  ['a few faulty counters', faulty(simulatedMonth(7, documentedCodes, hiddenTable(7, documentedCodes), 150), 70)],
  ['many faulty counters', faulty(simulatedMonth(8, documentedCodes, hiddenTable(8, documentedCodes), 120), 9)],
  ['a change', simulatedMonth(9, documentedCodes, changing(9), 150)],
])('of a month with %s is said what was said before', async (what, tasks) => {
  const observations = observationsOf(tasks);
  const learned = learnChange(observationsOf(tasks, true));
  const text = [
    `may have changed: ${mayHaveChanged(observations)}`,
    ...said(learn(observations)),
    ...(learned ? said(learned) : ['no change']),
    '',
  ].join('\n');
  await expect(text).toMatchFileSnapshot(`learned/${what.replaceAll(' ', '-')}.golden.txt`);
});
