import { createHash } from 'node:crypto';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { inject } from 'vitest';
import type { S3Address } from '../../src/config/s3-address.ts';
import { booksId } from '../../src/db/books-id.ts';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { openPublished, publishedIn } from '../../src/reports/published.ts';
import type { ReportStore } from '../../src/reports/report-store.ts';
import { s3Reports } from '../../src/store/s3-reports.ts';
import { withAttempts } from '../support/attempts.ts';
import { createTestFolder } from '../support/books.ts';
import { type CliEnvironment, createCliEnvironment } from '../support/cli.ts';
import { addressAt, bareClient, ownUrl } from './support.ts';

export const month = '2026-10';
const prices = new URL('../../examples/prices.json', import.meta.url).pathname;

/** What a process needs to find reports in S3 by itself. */
export function reportsInS3(url: string): CliEnvironment {
  const { accessKeyId, secretAccessKey } = inject('s3User');
  const credentials = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  return { ...credentials, REPORTS_URL: url, REPORTS_DIR: '', PRICES_FILE: prices };
}

/** Books of October whose reports are in a place of their own in S3, and the environment of commands on them. */
export async function booksInS3(url = ownUrl()) {
  const context = await withAttempts();
  const address = addressAt(url);
  const reports = s3Reports(address, {
    drafts: path.join(await createTestFolder(), 'drafts'),
    books: () => booksId(context.db.kysely),
  });
  const environment = await createCliEnvironment({
    ...reportsInS3(url),
    DATABASE_URL: context.config.databaseUrl ?? '',
  });
  const config = { ...context.config, reports: address };
  return { context: { ...context, config, reports }, inFolder: context, reports, address, url, environment };
}

/** The bytes of a published month by name, each the one that its manifest names. */
export async function readMonth(reports: ReportStore): Promise<Map<string, string>> {
  const folder = reports.folder(month);
  const published = await publishedIn(folder, month);
  if (!published) throw new Error('nothing is published');
  const files = folder.filesOf('manifest.json', published.manifest.sha256);
  const found = new Map<string, string>();
  for (const file of [published.manifest, ...published.files]) {
    const opened = await openPublished(files, file, undefined);
    const bytes = await buffer(opened.stream());
    await opened.close();
    if (createHash('sha256').update(bytes).digest('hex') !== file.sha256)
      throw new Error(`${file.name} is another one`);
    found.set(file.name, bytes.toString());
  }
  return found;
}

/** All keys below an address, without its prefix, or of all versions. */
export async function keysIn({ bucket, prefix }: S3Address): Promise<string[]> {
  const { Versions = [], DeleteMarkers = [] } = await bareClient().listObjectVersions({
    Bucket: bucket,
    Prefix: prefix,
  });
  return [...Versions, ...DeleteMarkers].map(({ Key = '' }) => Key.slice(prefix.length)).sort();
}

/** Flips a bit of an object behind the program's back. */
export async function flipBit({ bucket, prefix }: S3Address, name: string, at = 700): Promise<void> {
  const s3 = bareClient();
  const key = { Bucket: bucket, Key: prefix + name };
  const bytes = Buffer.from((await (await s3.getObject(key)).Body?.transformToByteArray()) ?? []);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await s3.putObject({ ...key, Body: bytes });
}

export const writeMonth = (context: Parameters<typeof writeReport>[0]) => writeReport(context, month);
