// The command line: `procward wait`, `kill`, `stop`, `freeze`, `thaw`, `cgroup`.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type Cgroup, cgroupLayout, Process, spawn as spawnInGroup } from 'procward';
import { procward, procwardJson, QUOTED, type Running, start } from './command-line.ts';
import { fixture } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

const SLEEPER = ['sleep', ['1000']] as const;

function sleeper(t: ExecutionContext) {
  const child = spawn(...SLEEPER, { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  const { pid = 0 } = child;
  using held = Process.open(pid);
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, pid, ended, name: `${pid}@${held.identity.startTime}` };
}

/** Node reaps it, so how it ended is known where the kernel tells strangers. */
const told = needing('exit_info');

test('kill sends the signal that is asked for, to all, and says who is not there', async (t) => {
  const [one, two] = [sleeper(t), sleeper(t)];
  t.like(await procward(['kill', '-s', '0', one.name]), { code: 0, stdout: '', stderr: '' });
  const ended = await procward(['kill', one.name, '4194304', String(two.pid), '-s', 'INT', '--json']);
  t.is(ended.code, 125);
  t.regex(ended.stderr, /ESRCH.*4194304/);
  t.like(JSON.parse(ended.stdout), [
    { target: one.name, signalled: 1, error: null },
    { target: '4194304', signalled: 0, error: { code: 'ESRCH' } },
    { target: String(two.pid), signalled: 1, error: null },
  ]);
  t.deepEqual([(await one.ended)[1], (await two.ended)[1]], ['SIGINT', 'SIGINT']);
});

test('a number that belongs to another process now is refused', async (t) => {
  const { pid, name } = sleeper(t);
  const [, startTime = '0'] = name.split('@');
  const stranger = `${pid}@${BigInt(startTime) - 1n}`;
  for (const command of ['kill', 'stop', 'wait', 'info']) {
    const ended = await procward([command, stranger]);
    t.is(ended.code, 125, command);
    t.regex(ended.stderr, /has ended/, command);
  }
  t.true(Process.open(pid).alive);
});

told('wait ends when the processes have, and takes over an exit code', async (t) => {
  const [one, two] = [sleeper(t), sleeper(t)];
  const waiting = start(t, ['wait', one.name, two.name]);
  await untilHeld(waiting, 2);
  one.child.kill('SIGTERM');
  t.is(await waiting.line(), `${one.name} ended by SIGTERM`);
  two.child.kill('SIGKILL');
  t.like(await waiting.end(), { code: 0, stdout: `${two.name} ended by SIGKILL\n`, stderr: '' });
  const [three, four] = [sleeper(t), sleeper(t)];
  const any = start(t, ['wait', '--any', '--exit-code', '--json', three.name, four.name]);
  await untilHeld(any, 2);
  three.child.kill('SIGTERM');
  const ended = await any.end();
  t.is(ended.code, 143);
  t.like(JSON.parse(ended.stdout), [
    { target: three.name, ended: true, exit: { type: 'signaled', signal: 'SIGTERM' } },
    { target: four.name, ended: false, exit: null },
  ]);
});

/** Until a program has so many pidfds open: who ended before it was looked for is an error. */
async function untilHeld({ pid }: Running, count: number): Promise<void> {
  const links = () => readdirSync(`/proc/${pid}/fd`).flatMap((fd) => readLink(`/proc/${pid}/fd/${fd}`));
  while (links().filter((link) => link.includes('pidfd')).length < count) await new Promise(setImmediate);
}

function readLink(path: string): string[] {
  try {
    return [readlinkSync(path)];
  } catch {
    return []; // Closed meanwhile.
  }
}

test('wait gives up in time with 124', async (t) => {
  const { name } = sleeper(t);
  const ended = await procward(['wait', '--timeout', '50ms', '--json', name]);
  t.like(ended, { code: 124, stderr: '' });
  t.deepEqual(JSON.parse(ended.stdout), [{ target: name, ended: false, exit: null }]);
});

test('stop asks, and kills who does not listen', async (t) => {
  const polite = sleeper(t);
  const deaf = spawn('sh', [fixture('ignores-sigterm.sh')], { stdio: ['pipe', 'pipe', 'ignore'] });
  t.teardown(() => deaf.kill('SIGKILL'));
  await once(deaf.stdout, 'data');
  const gone = once(deaf, 'exit');
  const ended = await procward(['stop', '--grace', '100ms', polite.name, String(deaf.pid), '--json']);
  t.like(ended, { code: 0, stderr: '' });
  t.like(JSON.parse(ended.stdout), [
    { ended: true, error: null },
    { ended: true, error: null },
  ]);
  t.deepEqual([(await polite.ended)[1], (await gone)[1]], ['SIGTERM', 'SIGKILL']);
});

async function inhabited(t: ExecutionContext, group: Cgroup = scratchGroup(t)) {
  const child = await spawnInGroup(...SLEEPER, { stdio: 'ignore', cgroup: group });
  t.teardown(() => child.close());
  return { group, child };
}

needing('cgroup2')('kill, stop and wait take whole groups', async (t) => {
  const { group, child } = await inhabited(t);
  const waiting = start(t, ['wait', group.path]);
  const asked = await procward(['kill', '-s', 'CONT', group.path]);
  t.like(asked, { code: 0, stdout: `1 process in ${group.path}\n` });
  t.deepEqual(await procwardJson('kill', '-s', 'KILL', group.path), [
    { target: group.path, signalled: null, error: null },
  ]);
  t.like(await child.wait(), { signal: 'SIGKILL' });
  t.like(await waiting.end(), { code: 0, stdout: `${group.path} is empty\n` });
  // Linux 6.18 kills who is born in a group that was killed before, so this is another one.
  const second = await inhabited(t);
  const { path } = second.group;
  t.like(await procward(['stop', path]), { code: 0, stdout: `${path} is empty\n`, stderr: '' });
  t.like(await second.child.wait(), { signal: 'SIGTERM' });
});

needing('pids1')('wait knows when a group of version 1 is empty', async (t) => {
  const group = scratchGroup(t, { controller: 'pids' });
  const { child } = await inhabited(t, group);
  const waiting = start(t, ['wait', `pids:${group.path}`, '--json']);
  child.signal('SIGTERM');
  await child.wait();
  const ended = await waiting.end();
  t.is(ended.code, 0);
  t.deepEqual(JSON.parse(ended.stdout), [{ target: `pids:${group.path}`, ended: true, exit: null }]);
});

needing('freeze2')('freeze holds a group until ^C, and thaws it', async (t) => {
  const { group } = await inhabited(t);
  for (const [signal, code] of [
    ['SIGINT', 0],
    ['SIGTERM', 143],
  ] as const) {
    const freezing = start(t, ['freeze', group.path]);
    t.is(await freezing.line(), `frozen ${group.path}; ^C thaws`);
    t.is(group.freezeState().state, 'frozen');
    freezing.signal(signal);
    t.like(await freezing.end(), { code, stdout: `thawed ${group.path}\n`, stderr: '' });
    t.is(group.freezeState().state, 'thawed');
  }
});

needing('freeze2')('freeze --for thaws when the time is over', async (t) => {
  const { group } = await inhabited(t);
  const ended = await procward(['freeze', '--for', '20ms', '--json', group.path]);
  t.like(ended, { code: 0, stderr: '' });
  t.deepEqual(
    ended.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    ['frozen', 'thawed'].map((type) => ({ type, groups: [group.path] })),
  );
  t.is(group.freezeState().state, 'thawed');
});

needing('freeze2')('freeze refuses all groups when one of them cannot be', async (t) => {
  const { group } = await inhabited(t);
  const ended = await procward(['freeze', group.path, '/']);
  t.like(ended, { code: 125, stdout: '' });
  t.is(group.freezeState().state, 'thawed');
});

needing('freeze2')('thaw undoes the freeze of somebody else, and says what it cannot undo', async (t) => {
  const { group } = await inhabited(t);
  const below = group.createChild('below');
  await group.writeFile('cgroup.freeze', '1');
  const still = await procward(['thaw', below.path, '--json']);
  t.is(still.code, 1);
  t.deepEqual(JSON.parse(still.stdout), [{ group: below.path, stillFrozenByAncestor: true }]);
  t.like(await procward(['thaw', group.path]), { code: 0, stdout: `thawed ${group.path}\n`, stderr: '' });
  t.is(group.freezeState().state, 'thawed');
  below.close();
});

needing('freezer1')('groups of version 1 are frozen and thawed, too', async (t) => {
  const group = scratchGroup(t, { controller: 'freezer' });
  const { child } = await inhabited(t, group);
  const freezing = start(t, ['freeze', `freezer:${group.path}`]);
  await freezing.line();
  t.is(group.freezeState().state, 'frozen');
  freezing.signal('SIGINT');
  t.like(await freezing.end(), { code: 0 });
  t.is(group.freezeState().state, 'thawed');
  t.true(child.alive);
});

test('cgroup layout is what the library says', async (t) => {
  t.deepEqual(await procwardJson('cgroup', 'layout'), JSON.parse(JSON.stringify(cgroupLayout())));
  const { code, stdout } = await procward(['cgroup', 'layout']);
  t.is(code, 0);
  const { mode, hierarchies } = cgroupLayout();
  t.is(stdout.split('\n')[0], mode);
  for (const { mountPoint } of hierarchies) t.true(stdout.includes(mountPoint ?? '-'));
});

needing('cgroup2')('cgroup groups lists what is below, and info describes one', async (t) => {
  const { group } = await inhabited(t);
  const below = group.createChild('odd\x1bname');
  const rows = await procwardJson<object[]>('cgroup', 'groups', group.path);
  t.like(rows, [
    { path: group.path, processes: 1 },
    { path: below.path, processes: 0 },
  ]);
  const { stdout } = await procward(['cgroup', 'groups', group.path]);
  t.true(stdout.includes(`${group.path}/odd\\x1bname\n`), stdout);
  const description = await procwardJson('info', group.path);
  t.like(description, { path: group.path, version: 2, id: String(group.id), processes: 1, children: ['odd\x1bname'] });
  const text = (await procward(['info', group.path])).stdout;
  t.regex(text, new RegExp(`^group +${group.path}$`, 'm'));
  t.regex(text, /^processes +1$/m);
  below.close();
});

needing('cgroup2')('cgroup watch tells what happens until the group is removed', async (t) => {
  const group = scratchGroup(t);
  const watching = start(t, ['cgroup', 'watch', '--json', group.path]);
  // Until it watches there is nothing to be told of: come and go until something was.
  let heard = false;
  const first = watching.line().then((line) => {
    heard = true;
    return line;
  });
  while (!heard) {
    const { child } = await inhabited(t, group);
    child.signal('SIGKILL');
    await child.wait();
  }
  t.regex(await first, /^\{"type":"(populated|empty)"\}$/);
  await group.remove();
  const ended = await watching.end();
  t.is(ended.code, 0);
  t.is(ended.stdout.trim().split('\n').at(-1), '{"type":"removed"}');
});

needing('cgroup2')('cgroup watch ends with ^C', async (t) => {
  const group = scratchGroup(t);
  const watching = start(t, ['cgroup', 'watch', group.path]);
  let heard = false;
  const first = watching.line().then(() => {
    heard = true;
  });
  while (!heard) {
    const { child } = await inhabited(t, group);
    child.signal('SIGKILL');
    await child.wait();
  }
  await first;
  watching.signal('SIGINT');
  t.like(await watching.end(), { code: 130, stderr: '' });
});

const script = spawnSync('script', ['--version']).status === 0 ? test : test.skip;

script('on a terminal what takes its time says so, and leaves no line behind', (t) => {
  const { pid } = sleeper(t);
  const command = `${QUOTED} wait --timeout 1200ms ${pid}`;
  const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8' });
  t.is(status, 124);
  t.regex(stdout, new RegExp(`waiting for ${pid} … \\d\\.\\d s`));
  t.true(stdout.endsWith('\r\x1b[K'), JSON.stringify(stdout));
});
