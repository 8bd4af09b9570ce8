import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { VendorFile } from '../db/vendor-files.ts';
import type { Layout } from '../invoices/layout/layout.ts';
import { parseLayout } from '../invoices/layout/layout-file.ts';
import { readInvoice } from '../invoices/read-invoice.ts';
import { fileAt, readUsage } from '../invoices/read-usage.ts';
import type { GivenInvoice, GivenUsage } from '../jobs/reconcile/reconcile-month.ts';
import { unreadable } from './input-file.ts';

type GivenLayout = { readonly file: VendorFile; readonly content: Layout };

export async function layoutGiven(name: string): Promise<GivenLayout> {
  const file = await fileGiven(name);
  return { file, content: parseLayout(file.content, file.name).content };
}

export async function invoiceGiven(name: string, layout: GivenLayout | undefined): Promise<GivenInvoice> {
  const file = await fileGiven(name);
  const { invoice, detected } = await readInvoice(file.content, file.name, layout?.content);
  return { invoice, detected, file, layout: layout?.file };
}

/** The file may be of any size: it is never held whole. */
export async function usageGiven(name: string, layout: GivenLayout | undefined): Promise<GivenUsage> {
  const hash = createHash('sha256');
  for await (const chunk of bytesOf(name)) hash.update(chunk);
  const baseName = path.basename(name);
  const { detected, rows } = await readUsage(baseName, fileAt(name), layout?.content);
  return { name: baseName, sha256: hash.digest('hex'), layout: layout?.file, content: bytesOf(name), rows, detected };
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
