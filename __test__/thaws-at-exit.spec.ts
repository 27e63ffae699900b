// However a program ends, the groups that it froze and those that it was about to freeze are thawed.

import type { ExecutionContext } from 'ava';
import { type Cgroup, spawn } from 'procward';
import { fixture, runNode } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

const FREEZER = { controller: 'freezer' } as const;
const THAWED = { state: 'thawed', by: null } as const;
const freezing1 = needing('freezer1');
const freezing2 = needing('cgroup2', 'kill2');
const both = needing('freezer1', 'cgroup2', 'kill2', 'pidfd');

/** A process in a group of its own. */
async function occupied(t: ExecutionContext, hierarchy?: typeof FREEZER): Promise<Cgroup> {
  const group = scratchGroup(t, hierarchy);
  const child = await spawn('sh', [fixture('spins.sh')], { stdio: 'ignore', cgroup: group });
  child.close();
  return group;
}

/** A version 2 group that never finishes freezing: version 1 holds its process where version 2 does not reach it. */
async function unwilling(t: ExecutionContext): Promise<Cgroup> {
  const group = scratchGroup(t);
  const holder = scratchGroup(t, FREEZER);
  const child = await spawn('sleep', ['1000'], { stdio: 'ignore', cgroup: group });
  holder.add(child);
  child.close();
  // Not by a lease, which would thaw when it is collected.
  while ((await holder.readFile('freezer.state')) !== 'FROZEN\n') await holder.writeFile('freezer.state', 'FROZEN');
  return group;
}

for (const how of ['end', 'exit', 'error']) {
  const code = how === 'error' ? 1 : 0;

  freezing2(`a program that ends with a lease in hand leaves its group thawed (${how})`, async (t) => {
    const group = await occupied(t);
    const ended = await runNode([fixture('ends-while-freezing.mjs'), how, group.path]);
    t.is(ended.stdout, '["frozen",null]\n');
    t.is(ended.code, code);
    t.deepEqual(group.freezeState(), THAWED);
  });

  freezing1(`a program that ends with a lease in hand leaves its version 1 group thawed (${how})`, async (t) => {
    const group = await occupied(t, FREEZER);
    const ended = await runNode([fixture('ends-while-freezing.mjs'), how, `:${group.path}`]);
    t.is(ended.stdout, '["frozen",null]\n');
    t.is(ended.code, code);
    t.deepEqual(group.freezeState(), THAWED);
  });

  both(`a program that ends in the middle of a freeze leaves its group thawed (${how})`, async (t) => {
    const [held, pending] = [await occupied(t), await unwilling(t)];
    const ended = await runNode([fixture('ends-while-freezing.mjs'), how, held.path, pending.path]);
    t.is(ended.stdout, '["frozen","freezing"]\n');
    t.is(ended.code, code);
    t.deepEqual([held.freezeState(), pending.freezeState()], [THAWED, THAWED]);
  });
}

for (const how of ['exit', 'error', 'terminate', 'exit-worker']) {
  both(`a worker that ends, or ends with its program, leaves its groups thawed (${how})`, async (t) => {
    const [held, pending] = [await occupied(t), await unwilling(t)];
    const ended = await runNode([fixture('freezes-in-a-worker.mjs'), how, held.path, pending.path]);
    const inside = how === 'terminate' || how === 'exit-worker' ? '["thawed","thawed"]\n' : '';
    t.is(ended.stdout, `["frozen","freezing"]\n${inside}`);
    t.is(ended.code, how === 'error' ? 1 : 0);
    t.deepEqual([held.freezeState(), pending.freezeState()], [THAWED, THAWED]);
  });
}
