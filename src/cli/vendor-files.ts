import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { VendorFile } from '../db/vendor-files.ts';
import { type GivenLayout, invoiceFrom, layoutFrom, usageFrom } from '../jobs/reconcile/given-files.ts';
import type { GivenInvoice, GivenUsage } from '../jobs/reconcile/reconcile-month.ts';
import { unreadable } from './input-file.ts';

export const layoutGiven = async (name: string): Promise<GivenLayout> => layoutFrom(await fileGiven(name));

export const invoiceGiven = async (
  name: string,
  layout: GivenLayout | undefined,
  period: string,
): Promise<GivenInvoice> => invoiceFrom(await fileGiven(name), layout, period);

/** The file may be of any size: it is never held whole. */
export async function usageGiven(name: string, layout: GivenLayout | undefined): Promise<GivenUsage> {
  const hash = createHash('sha256');
  for await (const chunk of bytesOf(name)) hash.update(chunk);
  return usageFrom({ name: path.basename(name), sha256: hash.digest('hex') }, () => bytesOf(name), layout);
}

async function* bytesOf(name: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(name)) yield chunk as Buffer;
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

export async function fileGiven(name: string): Promise<VendorFile> {
  const content = await readFile(name).catch((cause: unknown) => {
    throw unreadable(name, cause);
  });
  return { name: path.basename(name), content, sha256: createHash('sha256').update(content).digest('hex') };
}
