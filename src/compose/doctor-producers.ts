import type { ServiceConfig } from '../config/config.ts';
import { countBrowserReports } from '../db/browser-reports.ts';
import { countUnanswered, possiblyCreated } from '../db/creations.ts';
import type { Database } from '../db/database.ts';
import { counted } from '../domain/wording.ts';
import { LedgerError } from '../errors.ts';
import { issueBrowserToken, readBrowserToken } from '../jobs/intake/browser-tokens.ts';

const transactionId = '00000000-0000-4000-8000-000000000000';

/** Which sites may report, and whether a token that is made for each can be read. */
export function examineBrowsers(browsers: NonNullable<ServiceConfig['browsers']>, now: Date) {
  for (const origin of browsers.origins) {
    const { token } = issueBrowserToken(browsers, { transactionId, origin, expires: null }, now);
    readBrowserToken(browsers, token, now);
  }
  const sites = browsers.origins.join(', ');
  return { found: `tokens for pages of ${sites}, for ${browsers.tokenMinutes} minutes each`, value: undefined };
}

const listedAtMost = 20;
const reportedWithinMs = 30 * 86_400_000;

/** Looks for creations whose answer never came, and says what pages have reported lately. */
export async function examineCreations({ kysely }: Database, now: Date) {
  const unanswered = await possiblyCreated(kysely, listedAtMost);
  if (unanswered.length === 0) {
    const { opened, completed, left } = await countBrowserReports(kysely, new Date(now.getTime() - reportedWithinMs));
    const reports = `pages of the last 30 days: ${opened} opened, ${completed} completed, ${left} left`;
    return { found: `every creation has an answer; ${reports}`, value: undefined };
  }
  const { possiblyCreated: total } = await countUnanswered(kysely);
  const listed = unanswered.map(
    ({ id, askedAt, reference }) =>
      `${id}, asked ${askedAt.toISOString()}${reference === null ? '' : ` for ${reference}`}`,
  );
  const more = total > unanswered.length ? [`and ${total - unanswered.length} more`] : [];
  throw new LedgerError(
    'creation_unanswered',
    `${counted(total, 'creation')} without an answer may be charged, and in no report:\n${[...listed, ...more].map((line) => `  - ${line}`).join('\n')}`,
    { hint: 'Ask the vendor, then note what became of each: npx idscan-ledger transactions resolve.' },
  );
}
