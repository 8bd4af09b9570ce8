import { reportBrowserResult } from './browser-results.ts';
import { createTransaction } from './creation.ts';
import { description } from './description.ts';
import { health, metrics, readiness } from './monitoring.ts';
import type { Operation } from './operation.ts';
import { attemptsFile, reportFile } from './reports.ts';
import { enqueueResults } from './results.ts';
import { takeEvent } from './webhook.ts';

/** Every route for programs, in the order in which they are shown. A test holds them against the routes of the server. */
export const operations: readonly Operation[] = [
  createTransaction,
  enqueueResults,
  takeEvent,
  reportBrowserResult,
  reportFile,
  attemptsFile,
  health,
  readiness,
  metrics,
  description,
];
