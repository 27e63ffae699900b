// Control groups of version 2: made, found, joined, listed, ended, removed.

import { constants } from 'node:os';
import test from 'ava';
import { Cgroup, cgroupLayout, cgroupVersion, features, isExist, isUnified, spawn } from 'procward';
import { census, growth } from './census.ts';
import { lineOf } from './children.ts';
import { rejectionOf, thrownBy } from './failure.ts';
import { fixture } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup, scratchName } from './scratch.ts';

const group2 = needing('cgroup2', 'kill2');
/** Alone, because it counts what this process holds. */
const serial = features().cgroup_v2_write.status === 'yes' ? test.serial : test.skip;
const KILLED = { type: 'signaled', signal: 'SIGKILL' } as const;
const NOBODY = 2 ** 22;
const SLEEPER = ['sleep', ['1000']] as const;

test('the layout agrees with itself', (t) => {
  const { mode, version, hierarchies } = cgroupLayout();
  t.is(cgroupVersion(), version);
  t.is(isUnified(), mode === 'unified');
  t.is(version, ({ unified: 2, hybrid: 1, legacy: 1, none: 0 } as const)[mode]);
  const mounted = hierarchies.filter(({ mountPoint }) => mountPoint !== null).map((hierarchy) => hierarchy.version);
  t.is(mounted.includes(2), mode === 'unified' || mode === 'hybrid');
  t.is(mounted.includes(1), mode === 'legacy' || mode === 'hybrid');
  for (const { id, version: of, name, controllers, mountPoint } of hierarchies) {
    t.is(of === 2, id === 0);
    t.true(of === 2 || (name === null) !== (controllers.length === 0) || name !== null);
    t.true(mountPoint === null || mountPoint.startsWith('/'));
  }
});

group2('a group that was made is found by its path', (t) => {
  const made = scratchGroup(t);
  using found = Cgroup.open(made.path);
  t.like(found, { version: 2, path: made.path, id: made.id });
  t.is(typeof made.id, 'bigint');
  using explicit = Cgroup.open(made.path, { unified: true });
  t.is(explicit.id, made.id);
});

group2('making a group that exists is refused', (t) => {
  const { path } = scratchGroup(t);
  const error = thrownBy(() => Cgroup.create(path));
  t.like(error, { kind: 'Os', code: 'EEXIST', errno: -constants.errno.EEXIST, path });
  t.true(isExist(error));
});

group2('a group that is not there is not found, and cannot be made without its parent', (t) => {
  const path = scratchName();
  const missing = { kind: 'NotFound', code: 'ENOENT', errno: -constants.errno.ENOENT } as const;
  t.like(
    thrownBy(() => Cgroup.open(path)),
    { ...missing, path },
  );
  t.like(
    thrownBy(() => Cgroup.create(`${path}/below`)),
    missing,
  );
});

group2('paths that lead elsewhere are refused', (t) => {
  const { path } = scratchGroup(t);
  for (const bad of ['/..', '/../etc', `${path}/..`, `${path}/../../x`]) {
    for (const reach of [Cgroup.open, Cgroup.create]) {
      t.like(
        thrownBy(() => reach(bad)),
        { kind: 'Escape', code: 'ERR_PROCWARD_ESCAPE' },
        bad,
      );
    }
  }
});

group2('groups below are made, listed, and found by name', async (t) => {
  const group = scratchGroup(t);
  t.deepEqual(await group.children(), []);
  using one = group.createChild('one');
  using two = group.createChild('two');
  t.deepEqual((await group.children()).sort(), ['one', 'two']);
  t.deepEqual([one.path, two.path], [`${group.path}/one`, `${group.path}/two`]);
  using found = group.child('one');
  t.is(found.id, one.id);
  t.is(thrownBy(() => group.child('three')).kind, 'NotFound');
  for (const name of ['', '.', '..', 'a/b', '/a', 'a\nb']) {
    t.is(thrownBy(() => group.child(name)).kind, 'InvalidArgument', name);
    t.is(thrownBy(() => group.createChild(name)).kind, 'InvalidArgument', name);
  }
});

needing('cgroup2')('a process is moved, given as a handle or as a pid', async (t) => {
  const group = scratchGroup(t);
  await using one = await spawn(...SLEEPER, { stdio: 'ignore' });
  await using two = await spawn(...SLEEPER, { stdio: 'ignore' });
  t.false(group.contains(one));
  group.add(one);
  group.add(two.pid);
  for (const process of [one, two, one.pid, two.pid]) t.true(group.contains(process));
  t.deepEqual((await group.pids()).sort(), [one.pid, two.pid].sort());
  t.false(group.contains(process.pid));
});

group2('a process that is gone cannot be moved', async (t) => {
  const group = scratchGroup(t);
  const child = await spawn('true', [], { stdio: 'ignore' });
  await child.wait();
  t.like(
    thrownBy(() => group.add(child)),
    { kind: 'Gone', pid: child.pid },
  );
  t.false(group.contains(child));
  child.close();
  t.is(thrownBy(() => group.add(child)).kind, 'Closed');
  t.like(
    thrownBy(() => group.add(NOBODY)),
    { code: 'ESRCH', errno: -constants.errno.ESRCH, pid: NOBODY },
  );
});

group2('pids are those of the group, or of all below it too', async (t) => {
  const group = scratchGroup(t);
  using below = group.createChild('below');
  await using outer = await spawn(...SLEEPER, { stdio: 'ignore', cgroup: group });
  await using inner = await spawn(...SLEEPER, { stdio: 'ignore', cgroup: below });
  t.deepEqual(await group.pids(), [outer.pid]);
  t.deepEqual(await below.pids(), [inner.pid]);
  t.deepEqual((await group.pids({ recursive: true })).sort(), [outer.pid, inner.pid].sort());
  t.false(group.contains(inner), 'contains asks about the very group');
});

group2('interface files are read and written', async (t) => {
  const group = scratchGroup(t);
  t.regex(await group.readFile('cgroup.events'), /^populated 0$/m);
  await group.writeFile('cgroup.max.depth', '3');
  t.is(await group.readFile('cgroup.max.depth'), '3\n');
  t.like(await rejectionOf(group.readFile('no.such')), { kind: 'Unsupported', code: 'ENOENT' });
  t.like(await rejectionOf(group.writeFile('no.such', '1')), { kind: 'Unsupported', code: 'ENOENT' });
  for (const name of ['../cgroup.procs', '/etc/passwd', '..', '']) {
    t.is((await rejectionOf(group.readFile(name))).kind, 'InvalidArgument', name);
    t.is((await rejectionOf(group.writeFile(name, '1'))).kind, 'InvalidArgument', name);
  }
});

group2('killing ends a whole tree, however it hides', async (t) => {
  const group = scratchGroup(t);
  using below = group.createChild('below');
  const nested = await spawn('sh', [fixture('nests-itself.sh')], {
    stdio: ['ignore', 'pipe', 'ignore'],
    cgroup: below,
  });
  const outer = await spawn('sh', [fixture('ignores-sigterm.sh')], { cgroup: group });
  t.is(await lineOf(nested.stdout), 'ready');
  t.is(await lineOf(outer.stdout), 'ready');
  t.true((await group.pids({ recursive: true })).length >= 3);
  await group.kill();
  t.deepEqual(await group.pids({ recursive: true }), []);
  for (const child of [nested, outer]) {
    t.like(await child.wait(), KILLED);
    child.close();
  }
});

group2('killing an empty group is done at once', async (t) => {
  const group = scratchGroup(t);
  await group.kill();
  await group.kill({ timeoutMs: 0 });
  t.deepEqual(await group.pids(), []);
});

group2('killing a frozen group ends it', async (t) => {
  const group = scratchGroup(t);
  const child = await spawn(...SLEEPER, { stdio: 'ignore', cgroup: group });
  await using _lease = await group.freeze();
  await group.kill();
  t.like(await child.wait(), KILLED);
  child.close();
});

group2('an aborted kill rejects with an AbortError', async (t) => {
  const group = scratchGroup(t);
  await using child = await spawn(...SLEEPER, { stdio: 'ignore', cgroup: group });
  await t.throwsAsync(group.kill({ signal: AbortSignal.abort() }), { name: 'AbortError', code: 'ABORT_ERR' });
  t.true(child.alive);
});

group2('a group with processes or groups in it is not removed', async (t) => {
  const group = scratchGroup(t);
  using below = group.createChild('below');
  const busy = { kind: 'Busy', code: 'EBUSY', errno: -constants.errno.EBUSY } as const;
  t.like(await rejectionOf(group.remove({ timeoutMs: 0 })), busy);
  await using child = await spawn(...SLEEPER, { stdio: 'ignore', cgroup: below });
  t.like(await rejectionOf(group.remove({ recursive: true, timeoutMs: 0 })), { kind: 'Busy' });
  child.signal('SIGKILL');
  await child.wait();
  await group.remove({ recursive: true });
  t.is(thrownBy(() => Cgroup.open(group.path)).kind, 'NotFound');
});

group2('a group that was removed is gone, also when another has its name', async (t) => {
  const group = scratchGroup(t);
  using again = Cgroup.open(group.path);
  await again.remove();
  using namesake = Cgroup.create(group.path);
  t.teardown(() => Cgroup.open(group.path).remove());
  t.not(namesake.id, group.id);
  const gone = { kind: 'Gone' } as const;
  t.like(
    thrownBy(() => group.freezeState()),
    gone,
  );
  t.like(
    thrownBy(() => group.createChild('x')),
    gone,
  );
  t.like(
    thrownBy(() => group.add(process.pid)),
    gone,
  );
  t.like(await rejectionOf(group.pids()), gone);
  t.like(await rejectionOf(group.children()), gone);
  t.like(await rejectionOf(group.readFile('cgroup.events')), gone);
  t.like(await rejectionOf(group.freeze()), gone);
  t.like(await rejectionOf(group.thaw()), gone);
  t.like(await rejectionOf(group.kill()), gone);
});

group2('a closed handle refuses everything, and closes twice', async (t) => {
  const { path } = scratchGroup(t);
  const group = Cgroup.open(path);
  group.close();
  group.close();
  t.is(group.path, path);
  const closed = { kind: 'Closed', code: 'ERR_PROCWARD_CLOSED', message: 'This Cgroup was closed before' } as const;
  const uses: (() => unknown)[] = [
    () => group.child('x'),
    () => group.createChild('x'),
    () => group.children(),
    () => group.add(process.pid),
    () => group.contains(process.pid),
    () => group.pids(),
    () => group.freeze(),
    () => group.thaw(),
    () => group.freezeState(),
    () => group.kill(),
    () => group.readFile('cgroup.events'),
    () => group.writeFile('cgroup.freeze', '0'),
    () => group.remove(),
  ];
  for (const use of uses) t.like(thrownBy(use), closed);
});

serial('making and removing fifty groups leaves no descriptor', async (t) => {
  const round = async () => {
    using group = Cgroup.create(scratchName());
    await group.pids();
    await group.remove();
  };
  await round();
  const before = census();
  for (let count = 0; count < 50; count += 1) await round();
  t.deepEqual(await growth(before), {});
});
