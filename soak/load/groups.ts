// Control groups of both versions: filled, frozen, watched, limited, ended and removed.

import assert from 'node:assert/strict';
import { type Cgroup, type Child, freezeAll, spawn } from 'procward';
import type { Random } from './random.ts';
import type { Hierarchy } from './room.ts';
import type { Tools, Works } from './work.ts';

/** Those that are there, of the two that can freeze. */
function freezing({ random, room }: Tools): Hierarchy | undefined {
  const there = (['unified', 'freezer'] as const).filter((name) => room.has(name));
  return there.length === 0 ? undefined : random.one(there);
}

export const groups: Works = {
  'a life of a group': {
    share: 12,
    async work(tools) {
      const hierarchy = freezing(tools);
      if (hierarchy === undefined) return;
      const group = tools.room.create(hierarchy);
      const children = await fill(group, 1 + tools.random.below(3));
      const lease = await group.freeze({ timeoutMs: 20_000 });
      assert.equal(group.freezeState().state, 'frozen');
      await (tools.random.chance(50) ? lease.release() : group.thaw());
      assert.equal((await group.pids()).length, children.length);
      for await (const member of group.processes()) if (tools.random.chance(50)) member.close();
      await group.stats();
      await end(group, children, tools.random);
    },
  },
  'groups frozen as one': {
    share: 4,
    async work({ room, random }) {
      const parts = room.hierarchies.filter((name) => name !== 'pids').map((name) => room.create(name));
      if (parts.length === 0) return;
      const below = parts.map((group) => group.createChild('below'));
      const filled = await Promise.all(below.map((group) => fill(group, 2)));
      await using _lease = await freezeAll(below, { timeoutMs: 20_000 });
      for (const group of below) assert.equal(group.freezeState().state, 'frozen');
      for (const [at, group] of parts.entries()) await end(group, filled[at] ?? [], random);
      for (const group of below) group.close();
    },
  },
  'a freeze that is given up': {
    share: 6,
    async work(tools) {
      const hierarchy = freezing(tools);
      if (hierarchy === undefined) return;
      const group = tools.room.create(hierarchy);
      const children = await fill(group, 2);
      const giveUp = new AbortController();
      const freeze = group.freeze({ signal: giveUp.signal, timeoutMs: 20_000 });
      setTimeout(() => giveUp.abort(), tools.random.below(3));
      await freeze.then(
        (lease) => lease.release(),
        (error) => assert.equal(error.name, 'AbortError'),
      );
      await end(group, children, tools.random);
    },
  },
  'a watch': {
    share: 8,
    async work({ room, random }) {
      if (!room.has('unified')) return;
      const group = room.create('unified');
      const leave = new AbortController();
      const events = group.watch({ signal: leave.signal })[Symbol.asyncIterator]();
      const children = await fill(group, 1);
      assert.equal((await events.next()).value?.type, 'populated');
      if (random.chance(30)) {
        const next = events.next();
        leave.abort();
        await assert.rejects(next, { name: 'AbortError' });
      } else if (random.chance(50)) await events.return?.();
      await end(group, children, random);
    },
  },
  limits: {
    share: 4,
    async work({ room }) {
      if (!room.has('pids')) return;
      using group = room.create('pids');
      await group.setLimits({ pidsMax: 8n });
      assert.equal((await group.limits()).pidsMax, 8n);
      await using child = await spawn('sleep', ['1000'], { stdio: 'ignore', cgroup: group });
      assert(group.contains(child));
      await group.stop({ graceMs: 20_000 });
      await child.wait();
      await group.remove();
    },
  },
};

function fill(cgroup: Cgroup, count: number): Promise<Child[]> {
  return Promise.all(Array.from({ length: count }, () => spawn('sleep', ['1000'], { stdio: 'ignore', cgroup })));
}

async function end(group: Cgroup, children: readonly Child[], random: Random): Promise<void> {
  await group.kill({ timeoutMs: 20_000 });
  for (const child of children) {
    assert.equal((await child.wait()).type, 'signaled');
    child.close();
  }
  await group.remove({ recursive: true, timeoutMs: 20_000 });
  if (random.chance(50)) group.close();
}
