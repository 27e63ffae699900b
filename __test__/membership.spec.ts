// Who is where: the groups of a process, and the processes of a group.

import { readFileSync } from 'node:fs';
import test from 'ava';
import {
  Cgroup,
  cgroupLayout,
  cgroupPathOf,
  features,
  type GroupMatcher,
  Process,
  spawn,
  trackingPathOf,
} from 'procward';
import { census, growth } from './census.ts';
import { rejectionOf, thrownBy } from './failure.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

const group2 = needing('cgroup2', 'pidfd');
/** Alone, because it counts what this process holds. */
const serial =
  features().cgroup_v2_write.status === 'yes' && features().pidfd_open.status === 'yes' ? test.serial : test.skip;
const NOBODY = 2 ** 22;
const SLEEPER = ['sleep', ['1000']] as const;
const QUIET = { stdio: 'ignore' } as const;

/** The lines of this process, as Node reads them. */
const lines = () => readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');

test('the paths of this process are those that /proc shows, in every hierarchy', async (t) => {
  using self = Process.self();
  for (const line of lines()) {
    const [, list = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const matchers: GroupMatcher[] =
      list === ''
        ? [{ unified: true }]
        : list.startsWith('name=')
          ? [{ name: list.slice('name='.length) }]
          : list.split(',').map((controller) => ({ controller }));
    for (const matcher of matchers) {
      t.is(await cgroupPathOf(process.pid, matcher), path);
      t.is(await cgroupPathOf(self, matcher), path);
    }
  }
});

test('a hierarchy that does not match is not found, nor is a process that is not there', async (t) => {
  for (const matcher of [{ controller: 'no-such' }, { name: 'no-such' }, { controller: 'name' }]) {
    t.is((await rejectionOf(cgroupPathOf(process.pid, matcher))).kind, 'NotFound');
  }
  t.like(await rejectionOf(cgroupPathOf(NOBODY, { unified: true })), { kind: 'NotFound', pid: NOBODY });
  t.like(await rejectionOf(trackingPathOf(NOBODY)), { kind: 'NotFound', pid: NOBODY });
});

test('tracking goes by version 2 where it leads, else by the hierarchy named systemd', async (t) => {
  const listed = lines();
  const leads = cgroupLayout().mode === 'unified' || listed.every((line) => line.startsWith('0::'));
  const found = listed.find((line) => (leads ? line.startsWith('0::') : /^\d+:name=systemd:/.test(line)));
  if (found === undefined) t.is((await rejectionOf(trackingPathOf(process.pid))).kind, 'NotFound');
  else t.is(await trackingPathOf(process.pid), found.replace(/^\d+:[^:]*:/, ''));
});

test('what cannot name a hierarchy or a process is refused', (t) => {
  const bad = (value: unknown) => value as never;
  const matchers = [
    {},
    { unified: false },
    { controller: '' },
    { controller: 'a,b' },
    { name: 'x:y' },
    'memory',
    null,
    undefined,
  ];
  for (const matcher of matchers) {
    const error = thrownBy(() => cgroupPathOf(process.pid, bad(matcher)));
    t.is(error.kind, 'InvalidArgument');
    t.regex(error.message, /^"matcher(\.controller|\.name)?" must be /);
  }
  for (const subject of [0, -1, 1.5, '1', null, undefined, {}]) {
    for (const ask of [
      () => cgroupPathOf(bad(subject), { unified: true }),
      () => trackingPathOf(bad(subject)),
      () => Cgroup.of(bad(subject)),
    ]) {
      t.regex(thrownBy(ask).message, /^"process" must be /);
    }
  }
});

group2('the group of a process is opened, whoever holds it', async (t) => {
  const group = scratchGroup(t);
  await using child = await spawn(...SLEEPER, { ...QUIET, cgroup: group });
  for (const subject of [child, child.pid]) {
    using found = await Cgroup.of(subject);
    t.like(found, { id: group.id, path: group.path, version: 2 });
    t.is(await cgroupPathOf(subject, { unified: true }), group.path);
  }
  t.is((await rejectionOf(Cgroup.of(child, { controller: 'no-such' }))).kind, 'NotFound');
});

group2('a process that was reaped has no group, although its number may have one', async (t) => {
  const child = await spawn('true', [], QUIET);
  await child.wait();
  for (const ask of [cgroupPathOf(child, { unified: true }), trackingPathOf(child), Cgroup.of(child)]) {
    t.like(await rejectionOf(ask), { kind: 'Gone', pid: child.pid });
  }
  child.close();
  t.is(thrownBy(() => cgroupPathOf(child, { unified: true })).kind, 'Closed');
});

group2('the processes of a group come as handles, with or without those below', async (t) => {
  const group = scratchGroup(t);
  using below = group.createChild('below');
  await using outer = await spawn(...SLEEPER, { ...QUIET, cgroup: group });
  await using inner = await spawn(...SLEEPER, { ...QUIET, cgroup: below });
  const found = async (options?: { recursive?: boolean }) => {
    const pids: number[] = [];
    for await (using process of group.processes(options)) {
      t.true(process.alive);
      pids.push(process.pid);
    }
    return pids.sort();
  };
  t.deepEqual(await found(), [outer.pid]);
  t.deepEqual(await found({ recursive: true }), [outer.pid, inner.pid].sort());
});

for (const [title, need, hierarchy] of [
  ['version 1', 'pids1', { controller: 'pids' }],
  ['version 2', 'cgroup2', { unified: true }],
] as const) {
  needing(need, 'pidfd')(`whoever ended or left before its turn is left out (${title})`, async (t) => {
    const group = scratchGroup(t, hierarchy);
    const children = [];
    for (let count = 0; count < 4; count += 1) children.push(await spawn(...SLEEPER, { ...QUIET, cgroup: group }));
    children.sort((a, b) => a.pid - b.pid);
    const [first, ended, left, last] = children;
    if (first === undefined || ended === undefined || left === undefined || last === undefined) throw new Error();
    const found: number[] = [];
    for await (using process of group.processes()) {
      if (found.length === 0) {
        // They are in the list, and their turn is to come.
        ended.signal('SIGKILL');
        await ended.wait();
        scratchGroup(t, hierarchy).add(left);
      }
      found.push(process.pid);
    }
    t.deepEqual(found, [first.pid, last.pid]);
    for (const child of children) await child[Symbol.asyncDispose]();
  });
}

group2('the processes of a group that was removed are gone, and bad options are refused at once', async (t) => {
  const group = scratchGroup(t);
  using again = Cgroup.open(group.path);
  t.is(thrownBy(() => group.processes({ recursive: 1 as never })).kind, 'InvalidArgument');
  await again.remove();
  t.is((await rejectionOf(group.processes()[Symbol.asyncIterator]().next())).kind, 'Gone');
});

serial('a loop over processes that is left early leaves nothing', async (t) => {
  const group = scratchGroup(t);
  await using _one = await spawn(...SLEEPER, { ...QUIET, cgroup: group });
  await using _two = await spawn(...SLEEPER, { ...QUIET, cgroup: group });
  const round = async () => {
    for await (using process of group.processes()) if (process.alive) break;
  };
  await round();
  const before = census();
  for (let count = 0; count < 50; count += 1) await round();
  t.deepEqual(await growth(before), {});
});
