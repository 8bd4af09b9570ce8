import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { requireMade } from './billing/bill.ts';
import { documents, isDocumentName } from './billing/documents.ts';
import type { BillingMistake } from './billing/mistakes.ts';
import { parseCommand, usage } from './command-line.ts';
import { type Simulator, startSimulator } from './index.ts';

try {
  await run();
} catch (error) {
  const isUsage = error instanceof TypeError || error instanceof RangeError;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${isUsage ? usage : ''}`);
  process.exitCode = isUsage ? 2 : 1;
}

/** Serves until SIGTERM or SIGINT. Writes one line to standard output, with the URL and the credentials. */
async function run(): Promise<void> {
  const { options, idsFile, invoiceFile, pricesFile, bill } = parseCommand(process.argv.slice(2));
  const priceList = pricesFile === null ? null : await readFile(pricesFile, 'utf8');
  const simulator = await startSimulator({ ...options, priceList });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void simulator.close());
  try {
    if (idsFile !== null) await writeFile(idsFile, simulator.idsCsv());
    if (invoiceFile !== null) await writeFile(invoiceFile, `${JSON.stringify(simulator.invoice(), null, 2)}\n`);
    if (bill !== null && priceList !== null) await writeBill(simulator, { ...bill, priceList });
  } catch (error) {
    await simulator.close();
    throw error;
  }
  const { baseUrl, keyId, secret } = simulator;
  process.stdout.write(`${JSON.stringify({ baseUrl, keyId, secret })}\n`);
}

async function writeBill(
  simulator: Simulator,
  { folder, ...request }: { folder: string; mistakes: readonly BillingMistake[]; priceList: string },
): Promise<void> {
  const bill = simulator.bill(request);
  requireMade(bill, request.mistakes);
  await mkdir(folder, { recursive: true });
  for (const name of Object.keys(documents).filter(isDocumentName))
    await writeFile(path.join(folder, name), await simulator.document(bill, name));
}
