import { createHash } from 'node:crypto';
import type { RedisClient } from './connect.ts';

/**
 * Every command that BullMQ's scripts and ours run, in a form that is harmless on a key of its own. A test compares the
 * list with BullMQ's scripts.
 */
export const commands = [
  'SET KEY 1 PX 60000',
  'GET KEY',
  'EXISTS KEY',
  'PTTL KEY',
  'PERSIST KEY',
  'PEXPIRE KEY 60000',
  'INCR KEY',
  'TIME',
  'HSET KEY f 1',
  'HMSET KEY f 1',
  'HGET KEY f',
  'HMGET KEY f',
  'HGETALL KEY',
  'HDEL KEY f',
  'HEXISTS KEY f',
  'HINCRBY KEY f 1',
  'LPUSH KEY 1',
  'RPUSH KEY 1',
  'LPOP KEY',
  'RPOP KEY',
  'RPOPLPUSH KEY KEY',
  'LLEN KEY',
  'LINDEX KEY 0',
  'LPOS KEY 1',
  'LRANGE KEY 0 1',
  'LREM KEY 0 1',
  'LTRIM KEY 0 1',
  'SADD KEY 1',
  'SCARD KEY',
  'SREM KEY 1',
  'SMEMBERS KEY',
  'ZADD KEY 1 1',
  'ZCARD KEY',
  'ZCOUNT KEY 0 1',
  'ZRANGE KEY 0 1',
  'ZSCORE KEY 1',
  'ZRANGEBYSCORE KEY 0 1',
  'ZREVRANGE KEY 0 1',
  'ZREVRANGEBYSCORE KEY 1 0',
  'ZPOPMIN KEY',
  'ZREM KEY 1',
  'ZREMRANGEBYRANK KEY 0 1',
  'ZREMRANGEBYSCORE KEY 0 1',
  'XADD KEY * f 1',
  'XTRIM KEY MAXLEN 1',
  'DEL KEY',
];

/** Most commands fail because the key has another type. What counts is whether they are allowed. */
const tryAll = `
local refusals = {}
for _, line in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(line, '%S+') do table.insert(words, word == 'KEY' and KEYS[1] or word) end
  local answer = redis.pcall(unpack(words))
  if type(answer) == 'table' and answer.err and not string.find(answer.err, 'WRONGTYPE') then
    table.insert(refusals, words[1] .. ' ' .. answer.err)
  end
end
return refusals
`;

/**
 * Runs every needed command from a script, as BullMQ does.
 *
 * @param key used by nobody else.
 * @returns the commands that failed, with Redis' error.
 * @throws ReplyError if the script itself is refused.
 */
export async function tryCommands(redis: RedisClient, key: string): Promise<{ command: string; error: Error }[]> {
  const refusals = (await redis.eval(tryAll, 1, key, ...commands)) as string[];
  return refusals.map((line) => {
    const [command = '', ...words] = line.split(' ');
    return { command, error: new Error(words.join(' ')) };
  });
}

/**
 * Does once what work needs: every command from a script, a script by its hash, and the blocking command that workers
 * wait with. A replica and a full memory refuse only writes, an ACL may refuse a single command.
 *
 * @throws ReplyError of the first thing that is refused.
 */
export async function tryWork(redis: RedisClient, prefix: string): Promise<void> {
  // Scripts leave nothing in it, so any number of processes may share it.
  const key = `${prefix}:check`;
  // A refusal by Redis itself ends a connection that leads to the wrong server; what a script tells does not.
  await redis.zadd(key, 0, '1');
  const [first] = await tryCommands(redis, key);
  if (first) throw first.error;
  await tryOutsideScripts(redis, key);
}

/** Tries what cannot be tried in a script. @throws ReplyError */
export async function tryOutsideScripts(redis: RedisClient, key: string): Promise<void> {
  await tryKnownScript(redis, key);
  // With a member there it does not block: others wait behind it on this connection.
  const answers = await redis.pipeline().zadd(key, 0, '1').bzpopmin(key, 0.01).exec();
  for (const [error] of answers ?? []) if (error) throw error;
}

/** BullMQ runs known scripts by their hash. Here NOSCRIPT is success: it shows that the command is allowed. */
async function tryKnownScript(redis: RedisClient, key: string): Promise<void> {
  const hash = createHash('sha1').update('return 1').digest('hex');
  try {
    await redis.evalsha(hash, 1, key);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
  }
}
