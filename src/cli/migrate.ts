import { composeBooks } from '../compose/books.ts';
import { migrateDown, migrateUp, migrationNotes, migrationStatus } from '../db/migrate.ts';
import { instant, say, table } from './output.ts';
import type { CommandInput, ExitCode } from './run.ts';

/** Somebody may have written anything into the table. */
const timeOf = (appliedAt: Date): string => (Number.isNaN(appliedAt.getTime()) ? 'at no time' : instant(appliedAt));

/** `migrate [up|down|status]` */
export async function migrate(action: 'up' | 'down' | 'status', { config }: CommandInput): Promise<ExitCode> {
  const { context, close } = await composeBooks(config, { anySchema: true });
  try {
    if (action === 'status') {
      const rows = await migrationStatus(context.db);
      say(
        ...table(
          ['migration', 'applied'],
          rows.map(({ name, appliedAt, isKnown }) => [
            name,
            `${appliedAt ? timeOf(appliedAt) : 'no'}${isKnown ? '' : ' (unknown to this version)'}`,
          ]),
        ),
      );
      return 0;
    }
    const names = action === 'up' ? await migrateUp(context.db) : await migrateDown(context.db);
    const done = action === 'up' ? 'applied' : 'taken back';
    say(...(names.length > 0 ? names.map((name) => `${done}: ${name}`) : [`nothing to be ${done}`]));
    if (action === 'up') say(...(await migrationNotes(context.db, names)));
    return 0;
  } finally {
    await close();
  }
}
