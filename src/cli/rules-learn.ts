import { composeBooks } from '../compose/books.ts';
import { isCalendarDate, isPeriod, monthBounds, type Span, startOfDay } from '../domain/billing-month.ts';
import { isContradicted } from '../domain/rule-learning/compare.ts';
import { learnRules } from '../jobs/rules/learn-rules.ts';
import { writeProposal } from '../jobs/rules/write-proposal.ts';
import { asSnakeCaseJson, say } from './output.ts';
import { learnedText } from './rules-learn-text.ts';
import { type CommandInput, type ExitCode, usageError } from './run.ts';

/** `rules learn <from> <to> [--out <file>] [--json]` */
export async function learn(
  { first, last }: { readonly first: string; readonly last: string },
  { out, json }: { readonly out?: string; readonly json: boolean },
  { config }: CommandInput,
): Promise<ExitCode> {
  const span = {
    start: spanOf(first, config.billingTimeZone).start,
    end: spanOf(last, config.billingTimeZone).end,
  };
  if (span.end <= span.start) throw usageError(`${last} lies before ${first}.`, 'Give the earlier one first.');
  const { context, close } = await composeBooks(config);
  try {
    const learned = await learnRules(context, span);
    const isWritten = out !== undefined && learned.proposal !== undefined;
    if (isWritten) await writeProposal(out, learned.proposal);
    say(...(json ? [asSnakeCaseJson(learned)] : learnedText(learned, out)));
    return learned.stretches.some(isContradicted) ? 1 : 0;
  } finally {
    await close();
  }
}

function spanOf(text: string, timeZone: string): Span {
  if (isPeriod(text)) return monthBounds(text, timeZone);
  if (!isCalendarDate(text))
    throw usageError(`${text} is neither a month nor a day.`, 'Write YYYY-MM or YYYY-MM-DD, such as 2026-10.');
  const next = new Date(Date.parse(`${text}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  return { start: startOfDay(text, timeZone), end: startOfDay(next, timeZone) };
}
