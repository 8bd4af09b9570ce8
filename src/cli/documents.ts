import { composeBooks } from '../compose/books.ts';
import { composeQueues } from '../compose/queues.ts';
import type { Config } from '../config/config.ts';
import { counted, form } from '../domain/wording.ts';
import type { Context } from '../jobs/context.ts';
import { refetchFiles, type Verification, verifyDocuments } from '../jobs/fetch/verify-documents.ts';
import { documentStore, identifyStore, repairStore } from '../store/open.ts';
import { currentUser } from './current-user.ts';
import { asSnakeCaseJson, instant, progress, remark, say, table } from './output.ts';
import { wakeNow } from './reprocess.ts';
import type { CommandInput, ExitCode } from './run.ts';

type Arguments = { readonly repair: boolean; readonly json: boolean };

type DueAgain = Awaited<ReturnType<typeof refetchFiles>>;

/** `documents verify [--repair] [--json]` */
export async function verifyStored({ repair, json }: Arguments, { config, signal }: CommandInput): Promise<ExitCode> {
  if (!repair) {
    const { context, close } = await composeBooks(config, { notice: remark });
    try {
      return answer(await verified(context, signal), undefined, json);
    } finally {
      await close();
    }
  }
  const { context, close } = await composeQueues(config, { notice: remark });
  try {
    const store = documentStore(config);
    if (await repairStore(context.db.kysely, store)) remark(`${store.place} is the store of these books again.`);
    const verification = await verified(context, signal);
    const due = await refetchFiles(context, currentUser(), signal);
    if (Object.keys(due).length > 0) await wakeNow(context);
    return answer(verification, due, json);
  } finally {
    await close();
  }
}

type Verified = Verification & { readonly store: { readonly folder: string; readonly id: string } };

async function verified(context: Context, signal: AbortSignal): Promise<Verified> {
  const { db, config }: { db: Context['db']; config: Config } = context;
  const store = await identifyStore(db.kysely, documentStore(config));
  const bar = progress('verifying', 1, 'files');
  try {
    const onProgress = (done: number, all: number) => bar.update(done, Math.max(1, all));
    const verification = await verifyDocuments(context, store, { signal, onProgress });
    return { store: { folder: store.place, id: store.id }, ...verification };
  } finally {
    bar.stop();
  }
}

/** Exit code 0 if every file is as it was stored. */
function answer(found: Verified, due: DueAgain | undefined, json: boolean): ExitCode {
  const amiss = found.amiss.reduce((sum, one) => sum + one.count, 0);
  if (json) say(asSnakeCaseJson({ ...found, proven: found.claimed - amiss, dueAgain: due ?? {} }));
  else say(...lines(found, amiss, due));
  return amiss > 0 ? 1 : 0;
}

function lines(found: Verified, amiss: number, due: DueAgain | undefined): string[] {
  const { store, claimed, read, amiss: groups, orphans, clearOrphans, isContinued, begunAt } = found;
  const head = isContinued ? [`Continued the run of ${instant(begunAt)}, which was broken off.`] : [];
  head.push(
    amiss === 0
      ? `Proven: ${claimed === 1 ? 'the one file' : `all ${claimed} files`} in ${store.folder} ${form(claimed, 'is', 'are')} as stored. ${counted(read, 'file')} read.`
      : `${amiss} of ${counted(claimed, 'file')} in ${store.folder} ${form(amiss, 'is', 'are')} not as stored. ${counted(read, 'file')} read.`,
  );
  if (groups.length > 0)
    head.push(
      '',
      ...table(
        ['kind', 'state', 'count', 'vendor has no more'],
        groups.map((one) => [one.kind, one.state, String(one.count), String(one.notAtVendor)]),
        [2, 3],
      ),
    );
  if (orphans > 0) head.push('', `${counted(orphans, 'file')} in the store not recorded in the books, left in place.`);
  if (clearOrphans > 0)
    head.push(
      `${clearOrphans} of them ${form(clearOrphans, 'is', 'are')} in the clear, of an earlier version: remove them.`,
    );
  return [...head, ...whatNext(groups, due)];
}

function whatNext(groups: Verified['amiss'], due: DueAgain | undefined): string[] {
  if (groups.length === 0) return [];
  const left = groups.reduce((sum, one) => sum + one.count - one.notAtVendor, 0);
  if (left === 0) return ['', 'The vendor has none of them any more. Restore them from a backup, and verify again.'];
  if (!due) return ['', 'Fetch again what the vendor still has: npx idscan-ledger documents verify --repair'];
  const listed = Object.entries(due).map(([kind, quantity]) => `${quantity} × ${kind}`);
  return [
    '',
    listed.length > 0
      ? `Due again: ${listed.join(', ')}. Let a worker run, then verify again.`
      : 'What can be fetched again is due already, or switched off (FETCH_…=false). Let a worker run, then verify again.',
  ];
}
