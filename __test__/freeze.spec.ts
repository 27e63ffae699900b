// Freezing control groups of version 2: what stands still, what thaws it, and what may never be frozen.

import type { ExecutionContext } from 'ava';
import { type Cgroup, Process, spawn } from 'procward';
import { collect } from './collect.ts';
import { rejectionOf } from './failure.ts';
import { fixture, RUNTIME } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

const freezing = needing('cgroup2', 'kill2');
const THAWED = { state: 'thawed', by: null } as const;
const FROZEN = { state: 'frozen', by: 'self' } as const;

async function cpuMicroseconds(group: Cgroup): Promise<number> {
  return Number(/^usage_usec (\d+)$/m.exec(await group.readFile('cpu.stat'))?.[1]);
}

/** Something that certainly happens meanwhile: this process itself uses the processor for that long. */
function makeProgress(microseconds: number): void {
  const started = process.cpuUsage();
  while (process.cpuUsage(started).user < microseconds);
}

/** A process that never stops using the processor, in a group of its own. */
async function spin(t: ExecutionContext): Promise<Cgroup> {
  const group = scratchGroup(t);
  const child = await spawn('sh', [fixture('spins.sh')], { stdio: 'ignore', cgroup: group });
  child.close();
  return group;
}

/** Whether it uses the processor; asked until it does, with a bound that only a frozen group reaches. */
async function runs(group: Cgroup): Promise<boolean> {
  const before = await cpuMicroseconds(group);
  for (let round = 0; round < 500; round += 1) {
    if ((await cpuMicroseconds(group)) > before) return true;
    makeProgress(5000);
  }
  return false;
}

freezing('a frozen group uses no processor time, and a released one does', async (t) => {
  const group = await spin(t);
  t.true(await runs(group));
  const lease = await group.freeze();
  t.is(lease.group, group);
  t.deepEqual(group.freezeState(), FROZEN);
  const before = await cpuMicroseconds(group);
  makeProgress(100_000);
  t.is(await cpuMicroseconds(group), before);
  await lease.release();
  t.deepEqual(group.freezeState(), THAWED);
  t.true(await runs(group));
});

freezing('what is below is frozen too, and says by whom', async (t) => {
  const group = scratchGroup(t);
  using below = group.createChild('below');
  const child = await spawn('sh', [fixture('spins.sh')], { stdio: 'ignore', cgroup: below });
  child.close();
  const lease = await group.freeze();
  t.deepEqual(below.freezeState(), { state: 'frozen', by: 'ancestor' });
  t.deepEqual(await below.thaw(), { stillFrozenByAncestor: true });
  const before = await cpuMicroseconds(below);
  makeProgress(20_000);
  t.is(await cpuMicroseconds(below), before);
  await lease.release();
  t.deepEqual(below.freezeState(), THAWED);
});

freezing('two leases thaw when both are released, in either order, and releasing twice counts once', async (t) => {
  const group = await spin(t);
  for (const order of [
    [0, 1],
    [1, 0],
  ] as const) {
    const leases = [await group.freeze(), await group.freeze()] as const;
    await leases[order[0]].release();
    await leases[order[0]].release();
    t.deepEqual(group.freezeState(), FROZEN);
    await leases[order[1]].release();
    t.deepEqual(group.freezeState(), THAWED);
  }
});

freezing('disposing of a lease releases it', async (t) => {
  const group = await spin(t);
  {
    await using lease = await group.freeze();
    t.is(lease.group.freezeState().state, 'frozen');
  }
  t.deepEqual(group.freezeState(), THAWED);
});

freezing('a group that somebody else had frozen stays so when the lease is released', async (t) => {
  const group = await spin(t);
  await group.writeFile('cgroup.freeze', '1');
  const lease = await group.freeze();
  await lease.release();
  t.is(await group.readFile('cgroup.freeze'), '1\n');
  t.deepEqual(await group.thaw(), { stillFrozenByAncestor: false });
  t.deepEqual(group.freezeState(), THAWED);
});

freezing('thawing a group that is not frozen does nothing', async (t) => {
  t.deepEqual(await scratchGroup(t).thaw(), { stillFrozenByAncestor: false });
});

freezing('an empty group can be frozen, and what joins it is', async (t) => {
  const group = scratchGroup(t);
  const lease = await group.freeze();
  t.deepEqual(group.freezeState(), FROZEN);
  await lease.release();
});

freezing('a freeze whose signal had fired before changes nothing', async (t) => {
  const group = await spin(t);
  const error = await t.throwsAsync(group.freeze({ signal: AbortSignal.abort('no') }), { name: 'AbortError' });
  t.is(error?.cause, 'no');
  t.deepEqual(group.freezeState(), THAWED);
});

freezing('a freeze that is aborted leaves the group thawed, unless it was faster', async (t) => {
  const group = await spin(t);
  for (let round = 0; round < 20; round += 1) {
    const controller = new AbortController();
    const start = group.freeze({ signal: controller.signal });
    controller.abort();
    const result = await start.catch((error: Error) => error);
    if (result instanceof Error) t.like(result, { name: 'AbortError', code: 'ABORT_ERR' });
    else await result.release();
    t.deepEqual(group.freezeState(), THAWED);
  }
});

freezing('a freeze without time leaves the group thawed, unless it was done at once', async (t) => {
  const group = await spin(t);
  for (let round = 0; round < 20; round += 1) {
    const result = await group.freeze({ timeoutMs: 0 }).catch((error: Error) => error);
    if (result instanceof Error) t.like(result, { name: 'ProcwardError', kind: 'TimedOut' });
    else await result.release();
    t.deepEqual(group.freezeState(), THAWED);
  }
});

needing('cgroup2')('a process can be protected from a freeze of its group or of one above', async (t) => {
  const group = scratchGroup(t);
  using below = group.createChild('below');
  await using child = await spawn('sleep', ['1000'], { stdio: 'ignore', cgroup: below });
  for (const protect of [[child], [child.pid], [Process.self(), child]]) {
    const error = await rejectionOf(group.freeze({ protect }));
    t.like(error, { kind: 'SelfProtected', code: 'ERR_PROCWARD_SELF_PROTECTED', pid: child.pid });
    t.deepEqual(group.freezeState(), THAWED);
  }
  const lease = await group.freeze({ protect: [process.pid] });
  await lease.release();
});

needing('cgroup2')('a program can neither freeze nor kill its own group, or one above it', async (t) => {
  const above = scratchGroup(t);
  using own = above.createChild('own');
  const [file, ...args] = [...RUNTIME, fixture('acts-on-its-own-group.mjs'), own.path, above.path];
  const { exit, stdout, stderr } = await collect(file, args, { cgroup: own });
  t.is(stderr, '');
  t.like(exit, { type: 'exited', code: 0 });
  const refused = 'SelfProtected ERR_PROCWARD_SELF_PROTECTED';
  t.deepEqual(JSON.parse(stdout), {
    [`freeze ${own.path}`]: refused,
    [`kill ${own.path}`]: refused,
    [`freeze ${above.path}`]: refused,
    [`kill ${above.path}`]: refused,
    contains: true,
  });
});
