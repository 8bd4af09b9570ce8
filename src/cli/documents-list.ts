import { composeBooks } from '../compose/books.ts';
import type { Database } from '../db/database.ts';
import { documentAccesses, type DocumentAccessRow } from '../db/document-accesses.ts';
import { placeKey } from '../db/files.ts';
import { normaliseId } from '../domain/transaction-id.ts';
import { type DocumentList, listDocuments } from '../jobs/custody/list-documents.ts';
import { asSnakeCaseJson, instant, printable, say, table } from './output.ts';
import { type CommandInput, type ExitCode, throwIfEnding, usageError } from './run.ts';

/** `documents list <transactionId> [--json]` */
export async function list(id: string, { json }: { json: boolean }, { config }: CommandInput): Promise<ExitCode> {
  const { context, close } = await composeBooks(config);
  try {
    const found = await listDocuments(context, id);
    if (json) say(asSnakeCaseJson(found));
    else say(...listLines(found));
    return 0;
  } finally {
    await close();
  }
}

function listLines({ transactionId, isClosed, documents }: DocumentList): string[] {
  if (documents.length === 0) return [`The vendor offered no documents of ${transactionId}, or they were not fetched.`];
  const rows = documents.map((one) => [
    one.kind,
    placeKey(one),
    one.category ?? '',
    one.type ?? '',
    one.name ?? '',
    one.mediaType ?? '',
    one.state,
    instant(one.recordedAt),
    one.bytes ?? '',
  ]);
  const headers = ['kind', 'place', 'category', 'type', 'name', 'media type', 'state', 'recorded', 'bytes'];
  return [
    ...(isClosed ? ['They are closed, to be erased: nobody reads them.', ''] : []),
    ...table(
      headers,
      rows.map((row) => row.map(printable)),
      [8],
    ),
  ];
}

const pageRows = 500;

/** `documents log [--transaction <id>] [--json]` */
export async function log(
  { transaction, json }: { readonly transaction?: string; readonly json: boolean },
  { config, signal }: CommandInput,
): Promise<ExitCode> {
  const transactionId = transaction === undefined ? undefined : normaliseId(transaction);
  if (transaction !== undefined && transactionId === undefined)
    throw usageError('That is not the ID of a transaction.', 'An ID has 1 to 128 letters, digits, "_" and "-".');
  const { context, close } = await composeBooks(config);
  try {
    const all: DocumentAccessRow[] = [];
    let isFirst = true;
    for await (const page of accessPages(context.db, transactionId, signal)) {
      if (json) all.push(...page);
      else say(...accessLines(page).slice(isFirst ? 0 : 1));
      isFirst = false;
    }
    if (json) say(asSnakeCaseJson(all));
    else if (isFirst) say('Nobody has read a document.');
    return 0;
  } finally {
    await close();
  }
}

async function* accessPages(
  { kysely }: Database,
  transactionId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<DocumentAccessRow[]> {
  for (let after: string | undefined; ;) {
    throwIfEnding(signal);
    const page = await documentAccesses(kysely, { transactionId, after, limit: pageRows });
    if (page.length > 0) yield page;
    after = page.at(-1)?.id;
    if (page.length < pageRows) return;
  }
}

const accessLines = (page: readonly DocumentAccessRow[]): string[] =>
  table(
    ['when', 'who', 'via', 'from', 'transaction', 'kind', 'place', 'reason'],
    page.map((one) =>
      [
        instant(one.accessedAt),
        one.accessedBy,
        one.via,
        one.address ?? '',
        one.transactionId,
        one.kind,
        placeKey(one),
        one.reason,
      ].map(printable),
    ),
  );
