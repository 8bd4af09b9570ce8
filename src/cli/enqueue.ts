import { stat } from 'node:fs/promises';
import { composeQueues } from '../compose/queues.ts';
import { counted } from '../domain/wording.ts';
import type { QueueContext } from '../jobs/context.ts';
import { inputLines } from '../jobs/intake/input-lines.ts';
import { type InputLine, type IntakeSource, type LineAnswer, takeIn } from '../jobs/intake/intake.ts';
import { takeAll } from '../jobs/intake/take-all.ts';
import { openInputFile, unreadable } from './input-file.ts';
import { progress, remark, say } from './output.ts';
import { type CommandInput, type ExitCode, throwIfEnding, usageError } from './run.ts';

const listedAtMost = { rejected: 1_000, alreadyKnown: 20 };

export type EnqueueArguments = {
  readonly transactionId: string | undefined;
  readonly resultId: string | undefined;
  readonly file: string | undefined;
};

/** `enqueue <transactionId> [resultId]` · `enqueue --file ids.csv` · `enqueue -` */
export async function enqueue(args: EnqueueArguments, { config, signal }: CommandInput): Promise<ExitCode> {
  const input = await openInput(args, signal);
  const { context, close } = await composeQueues(config, { notice: remark });
  const bar = progress('enqueue', input.totalBytes, 'bytes');
  try {
    const totals = await takeLines(context, input, signal, (bytes) => bar.update(bytes));
    bar.stop();
    say(
      `${totals.accepted} accepted, ${totals.alreadyKnown} already known, ${counted(totals.rejected, 'line')} rejected`,
    );
    if (!totals.isQueued)
      remark(
        `${context.queues.trouble()?.message ?? 'Redis does not answer.'} Everything accepted is committed, and workers find it by themselves once Redis is back.`,
      );
    return totals.rejected > 0 ? 1 : 0;
  } finally {
    bar.stop();
    await close();
  }
}

type Input = {
  readonly lines: AsyncIterable<InputLine>;
  readonly source: IntakeSource;
  readonly totalBytes: number;
  readonly bytesRead: () => number;
};

async function openInput({ transactionId, resultId, file }: EnqueueArguments, signal: AbortSignal): Promise<Input> {
  if (file !== undefined && transactionId !== undefined) throw usageError('Give either --file or IDs, not both.');
  if (file !== undefined) {
    const size = await stat(file).then(
      (found) => found.size,
      (cause: unknown) => {
        throw unreadable(file, cause);
      },
    );
    const { chunks, bytesRead } = openInputFile(file, 'enqueue', signal);
    return { lines: inputLines(chunks), source: 'file', totalBytes: size, bytesRead };
  }
  if (transactionId === '-')
    return {
      lines: inputLines(openInputFile('-', 'enqueue', signal).chunks),
      source: 'standard_input',
      totalBytes: 0,
      bytesRead: () => 0,
    };
  if (transactionId === undefined)
    throw usageError('Nothing to enqueue.', 'Give a transaction ID, --file ids.csv, or - for standard input.');
  const only: InputLine = { line: 1, transactionId, resultId: resultId ?? '' };
  return { lines: oneLine(only), source: 'command_line', totalBytes: 1, bytesRead: () => 1 };
}

// oxlint-disable-next-line typescript/require-await -- an async iterable, like the other inputs
async function* oneLine(line: InputLine): AsyncGenerator<InputLine> {
  yield line;
}

async function takeLines(
  context: QueueContext,
  input: Input,
  signal: AbortSignal,
  onProgress: (bytes: number) => void,
): Promise<{ accepted: number; alreadyKnown: number; rejected: number; isQueued: boolean }> {
  const totals = { accepted: 0, alreadyKnown: 0, rejected: 0, isQueued: true };
  const take = async (batch: readonly InputLine[]) => {
    throwIfEnding(signal);
    const bytesRead = input.bytesRead();
    return { ...(await takeIn(context, batch, input.source)), bytesRead };
  };
  await takeAll(input.lines, take, ({ answers, isQueued, bytesRead }) => {
    totals.isQueued &&= isQueued;
    for (const answer of answers) note(totals, answer);
    onProgress(bytesRead);
  });
  const unlisted = totals.rejected - listedAtMost.rejected;
  if (unlisted > 0) say(`… and ${counted(unlisted, 'more rejected line')}`);
  return totals;
}

function note(totals: { accepted: number; alreadyKnown: number; rejected: number }, answer: LineAnswer): void {
  switch (answer.answer) {
    case 'accepted':
      totals.accepted += 1;
      return;
    case 'already_known':
      totals.alreadyKnown += 1;
      if (totals.alreadyKnown <= listedAtMost.alreadyKnown) say(`line ${answer.line}: already known`);
      return;
    case 'rejected':
      totals.rejected += 1;
      if (totals.rejected <= listedAtMost.rejected) say(`line ${answer.line}: rejected: ${answer.reason}`);
      return;
    default:
      return answer satisfies never;
  }
}
