/**
 * A command in a process of its own: acquires, says so, and holds until its standard input ends or Ctrl-C comes.
 * Run it as `node holder.ts <settings as JSON>`.
 */
import { acquireServices, type ServicesInput } from '../../src/embedded/index.ts';

const input = JSON.parse(process.argv[2] ?? '{}') as ServicesInput;
const say = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`);
const toldToEnd = new Promise((resolve) => {
  process.stdin.once('end', resolve).resume();
  process.once('SIGINT', resolve);
});

try {
  const services = await acquireServices({ ...input, notice: (notice) => say({ notice }) });
  say({ databaseUrl: services.databaseUrl, redisUrl: services.redisUrl });
  await toldToEnd;
  await services.release();
} catch (error) {
  say({ error: String(error) });
  process.exitCode = 1;
}
process.stdin.destroy();
