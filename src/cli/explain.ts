import { composeBooks } from '../compose/books.ts';
import { explain as explainTransaction } from '../jobs/explain/explain.ts';
import { explanationLines } from './explain-text.ts';
import { asSnakeCaseJson, say } from './output.ts';
import type { CommandInput, ExitCode } from './run.ts';

/** `explain <transactionId|resultId> [--json]` */
export async function explain(id: string, { json }: { json: boolean }, { config }: CommandInput): Promise<ExitCode> {
  const { context, close } = await composeBooks(config);
  try {
    const explanation = await explainTransaction(context, id);
    if (json) say(asSnakeCaseJson(explanation));
    else say(...explanationLines(explanation));
    return 0;
  } finally {
    await close();
  }
}
