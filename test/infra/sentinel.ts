import { eventually, freePorts } from './processes.ts';
import { isInSync, redisNode, type RedisNode, redisPassword, takesWrites } from './redis.ts';

const masterName = 'mymaster';

/** A master and a replica, watched by three Sentinels that agree on which of them is which. */
export async function startSentinels() {
  const ports = await freePorts(5);
  const [first = 0, second = 0, ...watchers] = ports;
  const nodes = [
    await redisNode({ port: first }),
    await redisNode({ port: second, settings: [`replicaof 127.0.0.1 ${first}`] }),
  ];
  for (const node of nodes) await node.start();
  const sentinels: RedisNode[] = [];
  for (const port of watchers) {
    const settings = [
      `sentinel monitor ${masterName} 127.0.0.1 ${first} 2`,
      `sentinel auth-pass ${masterName} ${redisPassword}`,
      `sentinel down-after-milliseconds ${masterName} 1500`,
      `sentinel failover-timeout ${masterName} 3000`,
    ];
    sentinels.push(await redisNode({ port, settings, isSentinel: true }));
  }
  for (const sentinel of sentinels) await sentinel.start();
  await Promise.all(nodes.slice(1).map(isInSync));
  const masterPort = async (sentinel: RedisNode): Promise<number> => {
    const answer = await sentinel.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName);
    return Array.isArray(answer) ? Number(answer[1]) : 0;
  };
  const portOfMaster = () => masterPort(sentinels[0]!);
  const settled = () =>
    eventually('the Sentinels to know each other and the replica', async () => {
      const quorum = (one: RedisNode) => one.ask('SENTINEL', 'CKQUORUM', masterName).catch(() => 'none');
      const answers = await Promise.all(sentinels.map(quorum));
      const named = await Promise.all(sentinels.map(masterPort));
      const master = nodes.find(({ port }) => port === named[0]);
      const isAlone = (await master?.info('connected_slaves').catch(() => '')) !== '1';
      return answers.every((answer) => String(answer).includes('3 usable')) && new Set(named).size === 1 && !isAlone;
    });
  await settled();
  return {
    url: `redis+sentinel://:${redisPassword}@${watchers.map((port) => `127.0.0.1:${port}`).join(',')}/${masterName}`,
    settled,
    master: async () => {
      const port = await portOfMaster();
      return nodes.find((node) => node.port === port)!;
    },
    failOver: () => sentinels[1]!.ask('SENTINEL', 'FAILOVER', masterName),
    /** Waits until the Sentinels name another master than this one, and it takes writes. */
    replaced: async (old: RedisNode) => {
      await eventually('another master', async () => (await portOfMaster()) !== old.port);
      const port = await portOfMaster();
      await takesWrites(nodes.find((node) => node.port === port)!);
    },
  };
}
