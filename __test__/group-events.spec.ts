// What happens to a group, told as it happens.

import { writeFileSync } from 'node:fs';
import test from 'ava';
import { Cgroup, type CgroupEvent, features, spawn } from 'procward';
import { census, growth } from './census.ts';
import { thrownBy } from './failure.ts';
import { answerOf } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup, scratchName, unifiedMountPoint } from './scratch.ts';

const group2 = needing('cgroup2', 'pidfd');
/** Alone, because it counts what this process holds. */
const serial = features().cgroup_v2_write.status === 'yes' ? test.serial : test.skip;
const SLEEPER = ['sleep', ['1000']] as const;
const QUIET = { stdio: 'ignore' } as const;

const watching = (group: Cgroup, options?: { signal?: AbortSignal }) => group.watch(options)[Symbol.asyncIterator]();
type Watching = ReturnType<typeof watching>;

async function typeOfNext(events: Watching): Promise<CgroupEvent['type'] | undefined> {
  const { value } = (await events.next()) as { value: CgroupEvent | undefined };
  return value?.type;
}

/** Frozen from outside, by the file alone. */
function setFrozen(group: Cgroup, frozen: boolean): void {
  writeFileSync(`${unifiedMountPoint()}${group.path}/cgroup.freeze`, frozen ? '1' : '0');
}

needing('freeze2', 'pidfd')(
  'a life is told from the first process to the removal, and then the loop ends',
  async (t) => {
    const group = scratchGroup(t);
    const events = watching(group);
    const child = await spawn(...SLEEPER, { ...QUIET, cgroup: group });
    t.is(await typeOfNext(events), 'populated');
    setFrozen(group, true);
    t.is(await typeOfNext(events), 'frozen');
    setFrozen(group, false);
    t.is(await typeOfNext(events), 'thawed');
    await child[Symbol.asyncDispose]();
    t.is(await typeOfNext(events), 'empty');
    const last = typeOfNext(events);
    using again = Cgroup.open(group.path);
    await again.remove();
    t.is(await last, 'removed');
    t.deepEqual(await events.next(), { done: true, value: undefined });
    t.deepEqual(await events.next(), { done: true, value: undefined });
  },
);

group2('whoever is slow finds the latest state', async (t) => {
  const group = scratchGroup(t);
  const events = watching(group);
  for (let count = 0; count < 5; count += 1) {
    await using _child = await spawn('true', [], { ...QUIET, cgroup: group });
  }
  await using child = await spawn(...SLEEPER, { ...QUIET, cgroup: group });
  t.is(await typeOfNext(events), 'populated');
  await child[Symbol.asyncDispose]();
  t.is(await typeOfNext(events), 'empty');
});

needing('pids1', 'pidfd')(
  'version 1 tells of forks that it refuses, with their number, and of the removal',
  async (t) => {
    const group = scratchGroup(t, { controller: 'pids' });
    await group.setLimits({ pidsMax: 1n });
    const events = watching(group);
    const forks = await spawn('sh', ['-c', '(:); :'], { ...QUIET, cgroup: group });
    await forks.wait();
    forks.close();
    t.deepEqual(await events.next(), { done: false, value: { type: 'pids-max', count: 1n } });
    using again = Cgroup.open(group.path, { controller: 'pids' });
    await again.remove();
    t.is(await typeOfNext(events), 'removed');
  },
);

for (const [title, need, hierarchy] of [
  ['version 1', 'memory1', { controller: 'memory' }],
  ['version 2', 'memory2', { unified: true }],
] as const) {
  needing(need, 'pidfd')(`a process that is ended for lack of memory is told and counted (${title})`, async (t) => {
    const group = scratchGroup(t, hierarchy);
    const { swapMaxBytes } = Object.fromEntries(Object.entries(await group.limits()));
    await group.setLimits({ memoryMaxBytes: 2n ** 23n, ...(swapMaxBytes === undefined ? {} : { swapMaxBytes: 0n }) });
    const events = group.watch();
    // It keeps the one endless line that it reads.
    await using hungry = await spawn('tail', ['/dev/zero'], { ...QUIET, cgroup: group });
    const seen = new Set<string>();
    for await (const event of events) {
      seen.add(event.type);
      if (event.type === 'oom-kill') {
        t.is(event.count, 1n);
        break;
      }
    }
    t.true(seen.has('oom'), [...seen].join());
    t.like(await hungry.wait(), { type: 'signaled', signal: 'SIGKILL' });
    t.is((await group.stats()).oomKills, 1n);
  });
}

needing('freezer1')('a hierarchy that announces nothing is refused, and says what to watch', (t) => {
  const group = scratchGroup(t, { controller: 'freezer' });
  const error = thrownBy(() => group.watch());
  t.like(error, { kind: 'Unsupported', path: group.path });
  t.regex(error.hint ?? '', /unified: true/);
});

group2('a watch that is aborted ends with an AbortError, at once or in the middle', async (t) => {
  const group = scratchGroup(t);
  const early = watching(group, { signal: AbortSignal.abort() });
  await t.throwsAsync(early.next(), { name: 'AbortError' });
  const controller = new AbortController();
  const events = watching(group, controller);
  const next = events.next();
  controller.abort();
  await t.throwsAsync(next, { name: 'AbortError' });
  t.deepEqual(await events.next(), { done: true, value: undefined });
  t.is(thrownBy(() => group.watch({ signal: 'SIGTERM' as never })).kind, 'InvalidArgument');
});

group2('a watch that is ended while somebody waits answers them, and all who ask later', async (t) => {
  const group = scratchGroup(t);
  const events = watching(group);
  const waiting = [events.next(), events.next()];
  const done = { done: true, value: undefined } as const;
  t.deepEqual(await events.return?.(), done);
  t.deepEqual(await Promise.all(waiting), [done, done]);
  t.deepEqual(await events.next(), done);
});

group2('what cannot be watched is said at once', async (t) => {
  const group = scratchGroup(t);
  using root = Cgroup.open('/');
  t.is(thrownBy(() => root.watch()).kind, 'InvalidArgument');
  using again = Cgroup.open(group.path);
  await again.remove();
  t.is(thrownBy(() => group.watch()).kind, 'Gone');
  again.close();
  t.is(thrownBy(() => again.watch()).kind, 'Closed');
});

serial('watches that were left early, aborted, or never begun leave nothing', async (t) => {
  const group = scratchGroup(t);
  const round = async () => {
    const child = await spawn('true', [], { ...QUIET, cgroup: group });
    await child[Symbol.asyncDispose]();
    const controller = new AbortController();
    const next = watching(group, controller).next();
    controller.abort();
    await next.catch(() => {});
    const events = watching(group);
    const second = events.next();
    await events.return?.();
    await second;
  };
  await round();
  const before = census();
  for (let count = 0; count < 20; count += 1) await round();
  t.deepEqual(await growth(before), {});
});

group2('workers that are terminated while they watch leave nothing, and a program that watched ends', async (t) => {
  t.deepEqual(await answerOf('watches-in-workers.mjs', scratchName()), { more: 0 });
});
