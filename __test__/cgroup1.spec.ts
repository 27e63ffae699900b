// Control groups of version 1 without a freezer: made, joined, written, killed and removed; not frozen.

import { Cgroup, spawn } from 'procward';
import { rejectionOf, thrownBy } from './failure.ts';
import { fixture } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup, scratchName } from './scratch.ts';

const PIDS = { controller: 'pids' } as const;
const group1 = needing('pids1');

group1('a group is made in the hierarchy of its controller, and found there', (t) => {
  const group = scratchGroup(t, PIDS);
  t.is(group.version, 1);
  using found = Cgroup.open(group.path, PIDS);
  t.is(found.id, group.id);
  t.is(thrownBy(() => Cgroup.open(scratchName(), PIDS)).kind, 'NotFound');
});

group1('a limit is written, and holds', async (t) => {
  const group = scratchGroup(t, PIDS);
  await group.writeFile('pids.max', '5');
  t.is(await group.readFile('pids.max'), '5\n');
  await group.writeFile('pids.max', 'max');
  t.is(await group.readFile('pids.max'), 'max\n');
});

group1('processes join, are listed, and keep the group from being removed', async (t) => {
  const group = scratchGroup(t, PIDS);
  const child = await spawn('sleep', ['1000'], { stdio: 'ignore' });
  group.add(child);
  t.true(group.contains(child));
  t.deepEqual(await group.pids(), [child.pid]);
  t.is((await group.readFile('pids.current')).trim(), '1');
  t.like(await rejectionOf(group.remove({ timeoutMs: 0 })), { kind: 'Busy', code: 'EBUSY' });
  await child[Symbol.asyncDispose]();
  t.deepEqual(await group.pids(), []);
  await group.remove();
  t.is(thrownBy(() => Cgroup.open(group.path, PIDS)).kind, 'NotFound');
});

group1('a child is born in its group', async (t) => {
  const group = scratchGroup(t, PIDS);
  await using child = await spawn('sleep', ['1000'], { stdio: 'ignore', cgroup: group });
  t.true(group.contains(child));
});

group1('a hierarchy without a freezer does not freeze, and says what does', async (t) => {
  const group = scratchGroup(t, PIDS);
  const error = await rejectionOf(group.freeze());
  t.like(error, { kind: 'Unsupported', path: group.path });
  t.regex(error.hint ?? '', /version 2/);
});

group1('a hierarchy without a freezer is killed and stopped all the same', async (t) => {
  const group = scratchGroup(t, PIDS);
  for (const end of [() => group.kill(), () => group.stop({ graceMs: 0 })]) {
    await using child = await spawn('sh', [fixture('spins.sh')], {
      stdio: ['ignore', 'ignore', 'ignore'],
      cgroup: group,
    });
    await end();
    t.deepEqual(await group.pids({ recursive: true }), []);
    t.is((await child.wait()).type, 'signaled');
  }
});

group1('a controller that no hierarchy has is not found', (t) => {
  t.is(thrownBy(() => Cgroup.open('/', { controller: 'no-such-controller' })).kind, 'NotFound');
  t.is(thrownBy(() => Cgroup.open('/', { name: 'no-such-name' })).kind, 'NotFound');
});
