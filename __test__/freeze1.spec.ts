// Freezing, ending and stopping through the freezer of version 1, and both versions together.

import { Cgroup, freezeAll, Process, spawn } from 'procward';
import { lineOf } from './children.ts';
import { rejectionOf } from './failure.ts';
import { fixture } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

const FREEZER = { controller: 'freezer' } as const;
const THAWED = { state: 'thawed', by: null } as const;
const FROZEN = { state: 'frozen', by: 'self' } as const;
const KILLED = { type: 'signaled', signal: 'SIGKILL' } as const;
const freezing1 = needing('freezer1', 'pidfd');
const both = needing('freezer1', 'cgroup2', 'kill2', 'pidfd');
const SLEEPER = ['sleep', ['1000'], { stdio: 'ignore' }] as const;

freezing1('a group freezes with all below, and says by whom', async (t) => {
  const group = scratchGroup(t, FREEZER);
  using below = group.createChild('below');
  await using child = await spawn(...SLEEPER);
  below.add(child);
  const lease = await group.freeze();
  t.is(lease.group, group);
  t.deepEqual([group.freezeState(), below.freezeState()], [FROZEN, { state: 'frozen', by: 'ancestor' }]);
  t.deepEqual(await below.thaw(), { stillFrozenByAncestor: true });
  await lease.release();
  t.deepEqual([group.freezeState(), below.freezeState()], [THAWED, THAWED]);
});

freezing1('two leases thaw when both are released, and a group that was frozen before stays so', async (t) => {
  const group = scratchGroup(t, FREEZER);
  const [one, two] = [await group.freeze(), await group.freeze()];
  await one.release();
  await one.release();
  t.deepEqual(group.freezeState(), FROZEN);
  await two.release();
  t.deepEqual(group.freezeState(), THAWED);
  await group.writeFile('freezer.state', 'FROZEN');
  await (await group.freeze()).release();
  t.deepEqual(group.freezeState(), FROZEN);
  t.deepEqual(await group.thaw(), { stillFrozenByAncestor: false });
});

freezing1('a process can be protected, and our own group is refused', async (t) => {
  const group = scratchGroup(t, FREEZER);
  await using child = await spawn(...SLEEPER);
  group.add(child);
  t.like(await rejectionOf(group.freeze({ protect: [child] })), { kind: 'SelfProtected', pid: child.pid });
  using root = Cgroup.open('/', FREEZER);
  using own = await Promise.resolve(Process.self());
  t.like(await rejectionOf(root.freeze()), { kind: 'SelfProtected', pid: own.pid });
  t.like(await rejectionOf(root.kill()), { kind: 'SelfProtected', pid: own.pid });
  t.like(await rejectionOf(root.stop()), { kind: 'SelfProtected', pid: own.pid });
  t.deepEqual(group.freezeState(), THAWED);
});

freezing1('a frozen group is killed, and is no trap afterwards', async (t) => {
  const group = scratchGroup(t, FREEZER);
  const child = await spawn(...SLEEPER);
  group.add(child);
  await using _lease = await group.freeze();
  await group.kill();
  t.like(await child.wait(), KILLED);
  t.deepEqual(group.freezeState(), THAWED);
  child.close();
});

both('a process that version 1 holds frozen is killed through its version 2 group', async (t) => {
  const [held, group] = [scratchGroup(t, FREEZER), scratchGroup(t)];
  const child = await spawn(...SLEEPER);
  held.add(child);
  group.add(child);
  await using _lease = await held.freeze();
  await group.kill();
  t.like(await child.wait(), KILLED);
  child.close();
});

both('groups of both versions freeze as one, or not at all', async (t) => {
  const groups = [scratchGroup(t, FREEZER), scratchGroup(t)] as const;
  const states = () => groups.map((group) => group.freezeState());
  const lease = await freezeAll(new Set(groups));
  t.is(lease.group, groups[0]);
  t.deepEqual(states(), [FROZEN, FROZEN]);
  await lease.release();
  t.deepEqual(states(), [THAWED, THAWED]);
  const [held, stuck] = [scratchGroup(t, FREEZER), scratchGroup(t)];
  await using child = await spawn(...SLEEPER);
  held.add(child);
  stuck.add(child);
  const holding = await held.freeze();
  const error = await rejectionOf(freezeAll([...groups, stuck], { timeoutMs: 50 }));
  t.like(error, { kind: 'TimedOut', path: stuck.path });
  t.deepEqual(
    error.processes?.map(({ pid, state }) => [pid, state]),
    [[child.pid, 'D']],
  );
  t.regex(error.hint ?? '', /version 1 freezer/);
  t.deepEqual(states(), [THAWED, THAWED]);
  t.deepEqual(stuck.freezeState(), THAWED);
  await holding.release();
  await t.throwsAsync(freezeAll(groups, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  t.deepEqual(states(), [THAWED, THAWED]);
});

for (const hierarchy of [FREEZER, { unified: true }] as const) {
  const title = 'unified' in hierarchy ? 'version 2' : 'version 1';
  both(`stopping asks, gives a grace, and kills what is left (${title})`, async (t) => {
    const group = scratchGroup(t, hierarchy);
    const polite = await spawn(...SLEEPER);
    const stubborn = await spawn('sh', [fixture('ignores-sigterm.sh')], { stdio: ['pipe', 'pipe', 'ignore'] });
    t.is(await lineOf(stubborn.stdout), 'ready');
    group.add(polite);
    group.add(stubborn);
    await group.freeze();
    await group.stop({ killSignal: 'SIGTERM', graceMs: 100 });
    t.like(await polite.wait(), { type: 'signaled', signal: 'SIGTERM' });
    t.like(await stubborn.wait(), KILLED);
    t.deepEqual(await group.pids(), []);
    t.deepEqual(group.freezeState(), THAWED);
    polite.close();
    stubborn.close();
  });
}
