import type { Job } from 'bullmq';
import { isDatabaseAway, meetsAll } from '../db/errors.ts';
import { failReport, isReportDue } from '../db/report-runs.ts';
import { errorTable } from '../error-table.ts';
import { errorCode } from '../errors.ts';
import type { VendorContext } from '../jobs/context.ts';
import { sayDatabaseAway } from '../jobs/database-away.ts';
import { parseReportWake } from '../jobs/queue/queues.ts';

/** Writes the report that a job asks for, if it is still due, and records a failure. */
export function reportProcessor(context: VendorContext): (job: Job) => Promise<void> {
  return async (job) => {
    const { period, generation } = parseReportWake(job.data);
    if (!(await isReportDue(context.db.kysely, period, generation))) return;
    try {
      const { writeReport } = await import('../jobs/month/write-report.ts');
      const { directory, lines } = await writeReport(context, period, { generation });
      context.log.info({ period, directory, attempts: String(lines.totals.attempts) }, 'report written');
    } catch (error) {
      // Postgres is away. The report stays due, because the failure cannot be recorded.
      if (meetsAll(error)) {
        sayDatabaseAway(context.log, error);
        throw error;
      }
      const code = errorCode(error);
      const isLastTry = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
      // A lock passes: the report stays due, and the sweep asks for it again.
      const counts = errorTable[code].job === 'retry' && !isDatabaseAway(error);
      const givesUp = errorTable[code].job === 'never' || (counts && isLastTry);
      await failReport(context.db.kysely, period, generation, code, givesUp);
      context.log.error({ err: error, code, period, givesUp }, 'report failed');
      throw error;
    }
  };
}
