import { eventually, freePorts } from './processes.ts';
import { redisNode, type RedisNode, redisPassword, takesWrites } from './redis.ts';

const slots = 16_384;
const batch = 100;

type Member = { readonly node: RedisNode; readonly id: string };

/** Three masters with a replica each, each of whose nodes may die. */
export async function startCluster() {
  const ports = await freePorts(12);
  const settings = [
    'cluster-enabled yes',
    'cluster-node-timeout 2000',
    'cluster-replica-validity-factor 0',
    'cluster-allow-replica-migration no',
  ];
  const nodes: RedisNode[] = [];
  for (let place = 0; place < 6; place += 1)
    nodes.push(await redisNode({ port: ports[place]!, settings: [...settings, `cluster-port ${ports[place + 6]!}`] }));
  await Promise.all(nodes.map(({ start }) => start()));
  const members: Member[] = [];
  for (const node of nodes) members.push({ node, id: String(await node.ask('CLUSTER', 'MYID')) });
  await meet(nodes, ports);
  for (let place = 0; place < 3; place += 1) {
    const from = Math.floor((slots * place) / 3);
    await nodes[place]!.ask('CLUSTER', 'ADDSLOTSRANGE', from, Math.floor((slots * (place + 1)) / 3) - 1);
  }
  for (let place = 3; place < 6; place += 1) {
    const replicate = () => nodes[place]!.ask('CLUSTER', 'REPLICATE', members[place - 3]!.id);
    await eventually('a replica to know its master', () => replicate().then(isOk, () => false));
  }
  const slot = Number(await nodes[0]!.ask('CLUSTER', 'KEYSLOT', '{idscan-ledger}'));
  const settled = () => eventually('a cluster that is whole', () => isWhole(nodes));
  await settled();
  /** Which of the living nodes says of itself that it has our slot. */
  const owner = async (but?: RedisNode): Promise<Member | undefined> => {
    for (const member of members) {
      if (member.node === but) continue;
      const role = await member.node.ask('ROLE').catch(() => []);
      const said = String(await member.node.ask('CLUSTER', 'NODES').catch(() => ''));
      const own = said.split('\n').find((line) => line.includes('myself')) ?? '';
      if (Array.isArray(role) && role[0] === 'master' && hasSlot(own, slot)) return member;
    }
    return undefined;
  };
  return {
    url: `redis+cluster://:${redisPassword}@${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}/`,
    settled,
    owner: () => eventually('a node with our slot', () => owner()),
    /** Waits until another node has our slot and takes writes. */
    replaced: async (old: RedisNode) => {
      const member = await eventually('a replica to take over', () => owner(old));
      await takesWrites(member.node);
    },
    reshard: () => reshard(members, slot, owner),
  };
}

const isOk = (answer: unknown): boolean => answer === 'OK';

async function meet(nodes: readonly RedisNode[], ports: readonly number[]): Promise<void> {
  for (let place = 1; place < nodes.length; place += 1)
    await nodes[0]!.ask('CLUSTER', 'MEET', '127.0.0.1', ports[place]!, ports[place + 6]!);
  await eventually('all nodes to know each other', async () => {
    const known = await Promise.all(nodes.map(async (node) => String(await node.ask('CLUSTER', 'NODES'))));
    return known.every((text) => text.trim().split('\n').length === nodes.length && !text.includes('handshake'));
  });
}

/** All agree that all slots are served, and each replica has what its master has. */
async function isWhole(nodes: readonly RedisNode[]): Promise<boolean> {
  const answers = await Promise.all(
    nodes.map(async (node) => {
      const text = String(await node.ask('CLUSTER', 'INFO').catch(() => ''));
      const link = await node.info('master_link_status').catch(() => 'down');
      const known = String(await node.ask('CLUSTER', 'NODES').catch(() => 'fail'));
      return text.includes('cluster_state:ok') && (link === '' || link === 'up') && !known.includes('fail');
    }),
  );
  return answers.every((answer) => answer);
}

function hasSlot(line: string, slot: number): boolean {
  const ranges = line
    .split(' ')
    .slice(8)
    .filter((one) => !one.startsWith('['));
  return ranges.some((range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return from <= slot && slot <= to;
  });
}

/** Moves our slot with its keys to the next master, in the order that Redis' documents give. */
async function reshard(
  members: readonly Member[],
  slot: number,
  owner: () => Promise<Member | undefined>,
): Promise<void> {
  const from = await eventually('a node with our slot', owner);
  const masters: Member[] = [];
  for (const member of members) {
    const role = await member.node.ask('ROLE');
    if (Array.isArray(role) && role[0] === 'master') masters.push(member);
  }
  const to = masters[(masters.indexOf(from) + 1) % masters.length]!;
  await to.node.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
  await from.node.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
  for (;;) {
    const keys = await from.node.ask('CLUSTER', 'GETKEYSINSLOT', slot, batch);
    if (!Array.isArray(keys) || keys.length === 0) break;
    const target = ['127.0.0.1', to.node.port, '', 0, 5_000, 'REPLACE', 'AUTH', redisPassword, 'KEYS'];
    await from.node.ask('MIGRATE', ...target, ...keys.map(String));
  }
  await to.node.ask('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
  await from.node.ask('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
  for (const { node } of masters)
    if (node !== from.node && node !== to.node) await node.ask('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
}
