// Processes held by pidfd: found, asked, signalled, told apart.

import { once } from 'node:events';
import { constants } from 'node:os';
import test from 'ava';
import { features, Process, type ProcessIdentity, procfs, spawn } from 'procward';
import { census, growth } from './census.ts';
import { endStranger, present, startSleeper, startStranger } from './children.ts';
import { isTrueExit } from './exits.ts';
import { thrownBy } from './failure.ts';
import { fixture, runNode } from './fixture.ts';

const NOBODY = 2 ** 22;
const ESRCH = { code: 'ESRCH', errno: -constants.errno.ESRCH } as const;
const {
  pidfd_open: pidfdOpen,
  pidfd_info: pidfdInfo,
  pidfd_process_group_signal: scopes,
  pidfd_send_signal: bySignal,
} = features();

test('a handle knows its process', async (t) => {
  const sleeper = await startSleeper(t);
  using handle = Process.open(sleeper.pid);
  t.is(handle.pid, sleeper.pid);
  if (pidfdOpen.status === 'yes') t.true(Number.isInteger(handle.pidfd) && handle.pidfd > 2);
  else t.is(handle.pidfd, -1);
  t.true(handle.alive);
  using self = Process.self();
  t.is(self.pid, process.pid);
  t.true(self.alive);
});

test('what is in net of a process is read, of others too', async (t) => {
  const sleeper = await startSleeper(t);
  using handle = Process.open(sleeper.pid);
  for (const base of ['self', 'thread-self', { pid: sleeper.pid }, handle] as const) {
    t.regex(await procfs().readFile(base, 'net/dev', 'utf8'), /\blo:/, String(base));
    t.regex(procfs().readFileSync(base, 'net/dev', 'utf8'), /\blo:/, String(base));
  }
});

test('a missing process is not found', (t) => {
  const error = thrownBy(() => Process.open(NOBODY));
  const syscall = pidfdOpen.status === 'yes' ? 'pidfd_open' : 'openat2';
  t.like(error, { kind: 'NotFound', ...ESRCH, syscall, pid: NOBODY });
});

for (const [title, signal, name] of [
  ['by name', 'SIGINT', 'SIGINT'],
  ['by number', constants.signals.SIGUSR2, 'SIGUSR2'],
  ['by the name of a real-time signal', 'SIGRTMIN+1', 'SIGRTMIN+1'],
  ['by the number of a real-time signal', 64, 'SIGRTMIN+30'],
  ['by default', undefined, 'SIGTERM'],
] as const) {
  test(`a signal given ${title} reaches the process`, async (t) => {
    // Not a child of Deno's: there an error follows, in nobody's hands, when one ends by a real-time signal.
    await using sleeper = await spawn('sleep', ['1000'], { stdio: 'ignore' });
    using handle = Process.open(sleeper.pid);
    handle.signal(signal);
    isTrueExit(t, await handle.wait(), { type: 'signaled', signal: name, coreDumped: false });
    t.false(handle.alive);
  });
}

test('signal 0 asks for permission and does nothing', async (t) => {
  const sleeper = await startSleeper(t);
  using handle = Process.open(sleeper.pid);
  handle.signal(0);
  t.true(handle.alive);
});

test('a signal to a process that was reaped is refused, whoever has its pid now', async (t) => {
  const sleeper = await startSleeper(t);
  using handle = Process.open(sleeper.pid);
  const reaped = once(sleeper, 'exit');
  handle.signal('SIGKILL');
  await reaped;
  const syscall = bySignal.status === 'yes' ? 'pidfd_send_signal' : 'kill';
  for (const signal of [0, 'SIGTERM'] as const) {
    const error = thrownBy(() => handle.signal(signal));
    t.like(error, { kind: 'Gone', ...ESRCH, syscall, pid: sleeper.pid });
  }
});

(process.getuid?.() === 0 ? test.skip : test)('a signal to a process of somebody else is not permitted', (t) => {
  using init = Process.open(1);
  const error = thrownBy(() => init.signal(0));
  t.like(error, { kind: 'PermissionDenied', code: 'EPERM', errno: -constants.errno.EPERM, pid: 1 });
});

(scopes.status === 'yes' ? test : test.skip)('a signal to a group reaches all that the process leads', async (t) => {
  const shell = await spawn('sh', ['-c', 'sleep 1000 & echo; wait'], {
    processGroup: 'new',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = present(shell.stdout);
  const ended = once(output, 'end');
  await once(output, 'data');
  shell.signal('SIGKILL', { scope: 'group' });
  t.like(await shell.wait(), { type: 'signaled', signal: 'SIGKILL' });
  // The pipe ends only once the sleeper, which holds it too, has ended.
  await ended;
  shell.close();
});

test('info tells the ids of a process', async (t) => {
  const sleeper = await startSleeper(t);
  using handle = Process.open(sleeper.pid);
  const info = handle.info();
  const [uid, gid] = [process.getuid?.() ?? -1, process.getgid?.() ?? -1];
  t.like(info, { pid: sleeper.pid, tgid: sleeper.pid, ppid: process.pid });
  t.deepEqual(info.uid, { real: uid, effective: uid, saved: uid, filesystem: uid });
  t.deepEqual(info.gid, { real: gid, effective: gid, saved: gid, filesystem: gid });
  t.is(typeof info.cgroupId, pidfdInfo.status === 'yes' ? 'bigint' : 'object');
});

test('an identity survives JSON, and finds the same process until it ends', async (t) => {
  const sleeper = await startSleeper(t);
  using handle = Process.open(sleeper.pid);
  const { identity } = handle;
  t.is(identity.pid, sleeper.pid);
  t.regex(identity.bootId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  t.regex(identity.startTime, /^\d+$/);
  const copy = JSON.parse(JSON.stringify(identity)) as ProcessIdentity;
  t.deepEqual(copy, identity);

  const found = Process.fromIdentity(copy);
  t.deepEqual(found.identity, identity);
  found.close();
  await endStranger(sleeper);
  t.like(
    thrownBy(() => Process.fromIdentity(copy)),
    { kind: 'Gone', pid: sleeper.pid },
  );
});

test('another start, another boot or another inode is another process', (t) => {
  using self = Process.self();
  const { identity } = self;
  const others: ProcessIdentity[] = [
    { ...identity, startTime: '1' },
    { ...identity, startTime: '99999999999999999999' },
    { ...identity, bootId: '00000000-0000-0000-0000-000000000000' },
    { ...identity, inode: '1' },
  ];
  for (const other of identity.inode === null ? others.slice(0, 3) : others) {
    t.like(
      thrownBy(() => Process.fromIdentity(other)),
      { kind: 'Gone', pid: process.pid },
    );
  }
  const found = Process.fromIdentity({ ...identity, inode: null });
  t.is(found.pid, process.pid);
  found.close();
});

test('a handle can be closed twice, and refuses everything after', async (t) => {
  const handle = Process.self();
  const { pid } = handle;
  handle.close();
  handle.close();
  t.is(handle.pid, pid);
  const uses: (() => unknown)[] = [
    () => handle.pidfd,
    () => handle.alive,
    () => handle.identity,
    () => handle.signal(0),
    () => handle.wait(),
    () => handle.waitSync({ timeoutMs: 0 }),
    () => handle.info(),
    () => handle.readFile('comm'),
    () => handle.readFileSync('comm', 'utf8'),
    () => handle.readlink('cwd'),
  ];
  for (const use of uses) {
    const error = thrownBy(use);
    t.like(error, { kind: 'Closed', code: 'ERR_PROCWARD_CLOSED', message: 'This Process was closed before' });
    t.regex(error.stack ?? '', /process\.spec\.ts/);
  }
});

test('disposing of a handle leaves the process alone', async (t) => {
  const shell = await startStranger(t, 'cat');
  {
    using handle = Process.open(shell.pid);
    t.true(handle.alive);
  }
  shell.stdin.write('alive\n');
  const [echo] = (await once(shell.stdout, 'data')) as [Buffer];
  t.is(echo.toString(), 'alive\n');
});

test.serial('opening and closing a hundred handles leaves no descriptor', async (t) => {
  const before = census();
  for (let round = 0; round < 100; round += 1) {
    using handle = Process.self();
    t.true(handle.alive);
  }
  t.deepEqual(await growth(before), {});
});

test('a program ends although it waits for a child that it has let go', async (t) => {
  const ended = await runNode([fixture('waits-unreferenced.mjs')]);
  t.like(ended, { code: 0, signal: null, stderr: '' });
  t.regex(ended.stdout, /^\d+\n$/);
  using sleeper = Process.open(Number(ended.stdout));
  t.true(sleeper.alive);
  sleeper.signal('SIGKILL');
});

test('a program is kept running by a wait, until the child ends', async (t) => {
  const program = await startStranger(t, process.execPath, [fixture('waits-referenced.mjs')]);
  program.stdin.end();
  const [line] = (await once(program.stdout, 'data')) as [Buffer];
  t.is(line.toString(), 'ended with 0\n');
});
