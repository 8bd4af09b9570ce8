import { openWork, peerInput } from './one-result.ts';

/** The upper limit: one loop per concurrent result, without a queue. What fails is lost. */
const input = peerInput();
const work = openWork(input);
let next = 0;
const loop = async (): Promise<void> => {
  while (next < input.count) await work.one(next++);
};
await Promise.all(Array.from({ length: input.concurrency }, loop));
await work.close();
