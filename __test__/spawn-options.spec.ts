// What a child can be made to be: its session, ids, mask, group, and its end with us.

import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { Process, spawn } from 'procward';
import { lineOf, startStranger } from './children.ts';
import { collect } from './collect.ts';
import { isTrueExit } from './exits.ts';
import { rejectionOf } from './failure.ts';
import { fixture } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup, unifiedMountPoint } from './scratch.ts';

/** Process group and session, fields 5 and 6 of /proc/<pid>/stat; the name before them is in parentheses. */
function groupAndSession(pid: number | 'self'): [group: number, session: number] {
  const [, , group = '', session = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return [Number(group), Number(session)];
}

const statusOf = async (options: object) => (await collect('cat', ['/proc/self/status'], options)).stdout;

test('by default a child is in our process group and session', async (t) => {
  await using child = await spawn('sleep', ['1000'], { stdio: 'ignore' });
  t.deepEqual(groupAndSession(child.pid), groupAndSession('self'));
});

test('a session of its own makes a child the leader of a session and of a group', async (t) => {
  await using child = await spawn('sleep', ['1000'], { stdio: 'ignore', session: true });
  t.deepEqual(groupAndSession(child.pid), [child.pid, child.pid]);
});

test('a process group can be new, or joined', async (t) => {
  await using leader = await spawn('sleep', ['1000'], { stdio: 'ignore', processGroup: 'new' });
  await using member = await spawn('sleep', ['1000'], { stdio: 'ignore', processGroup: leader.pid });
  const [, session] = groupAndSession('self');
  t.deepEqual(groupAndSession(leader.pid), [leader.pid, session]);
  t.deepEqual(groupAndSession(member.pid), [leader.pid, session]);
});

test('the file mode creation mask is the one given, else ours', async (t) => {
  t.regex(await statusOf({ umask: 0o027 }), /^Umask:\s+0027$/m);
  t.regex(await statusOf({ umask: 0 }), /^Umask:\s+0000$/m);
  const ours = /^Umask:.*$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[0];
  t.is(/^Umask:.*$/m.exec(await statusOf({}))?.[0], ours);
});

test('a child can be kept from new privileges', async (t) => {
  t.regex(await statusOf({ noNewPrivileges: true }), /^NoNewPrivs:\s+1$/m);
  const ours = /^NoNewPrivs:.*$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[0];
  t.is(/^NoNewPrivs:.*$/m.exec(await statusOf({}))?.[0], ours);
});

needing('root')('a child can have other ids, without groups unless they are given', async (t) => {
  const bare = await statusOf({ credentials: { uid: 1234, gid: 2345 } });
  t.regex(bare, /^Uid:\s+1234\s+1234\s+1234\s+1234$/m);
  t.regex(bare, /^Gid:\s+2345\s+2345\s+2345\s+2345$/m);
  t.regex(bare, /^Groups:\s*$/m);
  t.regex(bare, /^CapEff:\s+0+$/m);
  const grouped = await statusOf({ credentials: { uid: 1234, gid: 2345, groups: [7, 3] } });
  t.regex(grouped, /^Groups:\s+3 7\s*$/m);
  const kept = await statusOf({ credentials: { uid: 1234, gid: 2345, groups: 'keep' } });
  const ours = /^Groups:.*$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[0];
  t.is(/^Groups:.*$/m.exec(kept)?.[0], ours);
});

(process.getuid?.() === 0 ? test.skip : test)('other ids are refused to a user who may not take them', async (t) => {
  const EPERM = { kind: 'SpawnFailed', code: 'EPERM', errno: -constants.errno.EPERM } as const;
  t.like(await rejectionOf(spawn('true', [], { credentials: { uid: 1234, gid: 2345 } })), {
    ...EPERM,
    stage: 'groups',
  });
  const keeping = spawn('true', [], { credentials: { uid: 1234, gid: 2345, groups: 'keep' } });
  t.like(await rejectionOf(keeping), { ...EPERM, stage: 'gid' });
});

needing('cgroup2')('a child is born in its group, given as a handle, a path or a descriptor', async (t) => {
  const group = scratchGroup(t);
  const directory = openSync(`${unifiedMountPoint()}${group.path}`, 'r');
  t.teardown(() => closeSync(directory));
  for (const cgroup of [group, group.path, directory]) {
    await using child = await spawn('sleep', ['1000'], { stdio: 'ignore', cgroup });
    t.true(group.contains(child));
    t.true(group.contains(child.pid));
    t.deepEqual(await group.pids(), [child.pid]);
  }
  t.deepEqual(await group.pids(), []);
});

needing('cgroup2')('children live in a group that was killed before, and in one below it', async (t) => {
  const group = scratchGroup(t);
  const below = group.createChild('below');
  await group.kill();
  for (const cgroup of [group, below]) {
    await using child = await spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore'], cgroup });
    t.true(cgroup.contains(child));
    child.stdin?.end();
    t.like(await child.wait(), { type: 'exited', code: 0 });
  }
  await below.remove();
  below.close();
});

needing('cgroup2')('a group that is not there fails the start', async (t) => {
  const error = await rejectionOf(spawn('true', [], { cgroup: '/procward-test-nowhere' }));
  t.like(error, { code: 'ENOENT', path: '/procward-test-nowhere' });
  const group = scratchGroup(t);
  await group.remove();
  t.like(await rejectionOf(spawn('true', [], { cgroup: group })), { kind: 'SpawnFailed', code: 'ENOENT' });
});

for (const ids of ['the same ids', 'other ids'] as const) {
  const isRoot = ids === 'other ids' ? (['root'] as const) : [];
  needing(...isRoot)(`a child of ${ids} with a parent-death signal ends when its parent is killed`, async (t) => {
    const parent = await startStranger(t, process.execPath, [fixture('dies-before-its-child.mjs'), ids]);
    const sleeper = Process.open(Number(await lineOf(parent.stdout)));
    t.teardown(() => {
      if (sleeper.alive) sleeper.signal('SIGKILL');
      sleeper.close();
    });
    t.true(sleeper.alive);
    parent.kill('SIGKILL');
    isTrueExit(t, await sleeper.wait(), { type: 'signaled', signal: 'SIGKILL' });
  });
}

test('a child of a worker with a parent-death signal ends when the worker does', async (t) => {
  const worker = new Worker(new URL('./fixtures/dies-before-its-child.mjs', import.meta.url), { stdout: true });
  const [pid] = (await once(worker, 'message')) as [number];
  const sleeper = Process.open(pid);
  t.true(sleeper.alive);
  const exit = sleeper.wait();
  await worker.terminate();
  t.not((await exit).type, 'exited');
  sleeper.close();
});
