import { readFileSync } from 'node:fs';
import { openProducer } from '../../src/producer/index.ts';

/** Registers the IDs of a file by the library, as a program does that has them in a list. */
const { databaseUrl, redisUrl, file } = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
const producer = await openProducer({ databaseUrl: databaseUrl ?? '', redisUrl: redisUrl ?? '' });
const [, ...lines] = readFileSync(file ?? '', 'utf8')
  .trimEnd()
  .split('\n');
const ids = lines.map((line) => {
  const [transactionId = '', resultId = ''] = line.split(',');
  return { transactionId, resultId };
});
const { accepted, isQueued } = await producer.enqueue(ids);
if (accepted !== ids.length || !isQueued) throw new Error(`${accepted} of ${ids.length} were accepted`);
await producer.close();
