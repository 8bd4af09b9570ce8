import { writeFile } from 'node:fs/promises';
import { parseCommand, usage } from './command-line.ts';
import { startSimulator } from './index.ts';

try {
  await run();
} catch (error) {
  const isUsage = error instanceof TypeError || error instanceof RangeError;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${isUsage ? usage : ''}`);
  process.exitCode = isUsage ? 2 : 1;
}

/** Serves until SIGTERM or SIGINT. Writes one line to standard output, with the URL and the credentials. */
async function run(): Promise<void> {
  const { options, idsFile, invoiceFile } = parseCommand(process.argv.slice(2));
  const simulator = await startSimulator(options);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void simulator.close());
  try {
    if (idsFile !== null) await writeFile(idsFile, simulator.idsCsv());
    if (invoiceFile !== null) await writeFile(invoiceFile, `${JSON.stringify(simulator.invoice(), null, 2)}\n`);
  } catch (error) {
    await simulator.close();
    throw error;
  }
  const { baseUrl, keyId, secret } = simulator;
  process.stdout.write(`${JSON.stringify({ baseUrl, keyId, secret })}\n`);
}
