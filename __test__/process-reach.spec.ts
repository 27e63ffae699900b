// What a handle reaches inside another process: its descriptors, its memory, its limits.

import { once } from 'node:events';
import { closeSync, fstatSync, readFileSync } from 'node:fs';
import test from 'ava';
import { features, getResourceLimit, Process, spawn } from 'procward';
import { census, growth } from './census.ts';
import { lineOf, startSleeper, startStranger } from './children.ts';
import { thrownBy } from './failure.ts';

const has = (feature: 'pidfd_getfd' | 'process_mrelease') =>
  features()[feature].status === 'yes' && features().pidfd_open.status === 'yes';
const getfd = has('pidfd_getfd') ? test : test.skip;
const mrelease = has('process_mrelease') ? test : test.skip;

getfd('a duplicate is the same open pipe, close-on-exec, and ours', async (t) => {
  const stranger = await startStranger(t, 'sh', ['-c', 'read -r line; echo "$line"; exec sleep 1000']);
  using handle = Process.open(stranger.pid);
  const copy = handle.duplicateFd(1);
  t.true(fstatSync(copy).isFIFO() || fstatSync(copy).isSocket());
  t.true((await handle.readlink('fd/1')).endsWith(`:[${fstatSync(copy).ino}]`));
  const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${copy}`, 'utf8'))?.[1] ?? '';
  t.true((Number.parseInt(flags, 8) & 0o2000000) !== 0, `O_CLOEXEC in ${flags}`);
  closeSync(copy);
});

getfd('a descriptor that it has not, or whose process is gone, is refused by kind', async (t) => {
  const stranger = await startSleeper(t);
  using handle = Process.open(stranger.pid);
  t.like(
    thrownBy(() => handle.duplicateFd(12345)),
    { kind: 'NotFound', code: 'EBADF', syscall: 'pidfd_getfd' },
  );
  stranger.kill('SIGKILL');
  await once(stranger, 'exit');
  t.like(
    thrownBy(() => handle.duplicateFd(0)),
    { kind: 'Gone', code: 'ESRCH', pid: stranger.pid },
  );
  for (const bad of [-1, 1.5, Number.NaN, '1']) {
    t.like(
      thrownBy(() => handle.duplicateFd(bad as never)),
      { kind: 'InvalidArgument' },
    );
  }
});

getfd('duplicates and refusals leave nothing', async (t) => {
  const stranger = await startSleeper(t);
  using handle = Process.open(stranger.pid);
  const before = census();
  for (let round = 0; round < 20; round += 1) {
    closeSync(handle.duplicateFd(0));
    thrownBy(() => handle.duplicateFd(12345));
  }
  t.deepEqual(await growth(before), {});
});

mrelease('memory is released of what is dying, and of nothing else', async (t) => {
  const child = await spawn('sleep', ['1000'], { stdio: 'ignore' });
  t.like(
    thrownBy(() => child.releaseMemory()),
    { kind: 'Busy', code: 'EINVAL', syscall: 'process_mrelease' },
  );
  t.true(child.alive);
  child.signal('SIGKILL');
  // It may be dying, a zombie, or reaped by now: nothing is left to do, or it is gone.
  try {
    child.releaseMemory();
  } catch (error) {
    t.like(error, { kind: 'Gone' });
  }
  await child.wait();
  t.like(
    thrownBy(() => child.releaseMemory()),
    { kind: 'Gone', code: 'ESRCH' },
  );
  child.close();
});

mrelease('a zombie has no memory left to release', async (t) => {
  // The shell starts a child, becomes sleep, and from then on reaps nobody.
  const script = 'exec 3<&0; sh -c "read -r line <&3" & echo $!; exec sleep 1000';
  const parent = await startStranger(t, 'sh', ['-c', script]);
  using zombie = Process.open(Number(await lineOf(parent.stdout)));
  using reaper = Process.open(parent.pid);
  while (reaper.readFileSync('comm', 'utf8') !== 'sleep\n') await new Promise(setImmediate);
  parent.stdin.write('\n');
  while (zombie.alive) await new Promise(setImmediate);
  t.notThrows(() => zombie.releaseMemory());
});

test('the limits of a process are read, and changed while it runs', async (t) => {
  const child = await spawn('sleep', ['1000'], { stdio: 'ignore' });
  const before = child.getResourceLimit('nofile');
  t.deepEqual(child.setResourceLimit('nofile', { soft: 64n }), { ...before, soft: 64n });
  t.deepEqual(child.getResourceLimit('nofile'), { ...before, soft: 64n });
  t.regex(await child.readFile('limits', 'utf8'), /^Max open files\s+64\s/m);
  t.deepEqual(child.setResourceLimit('core', { soft: 0n, hard: 0n }), { soft: 0n, hard: 0n });
  t.not(getResourceLimit('nofile').soft, 64n);
  child.signal('SIGKILL');
  await child.wait();
  for (const action of [
    () => child.getResourceLimit('nofile'),
    () => child.setResourceLimit('nofile', { soft: 32n }),
  ]) {
    t.like(thrownBy(action), { kind: 'Gone', code: 'ESRCH', pid: child.pid });
  }
  child.close();
});

test('limits that can never be are refused', (t) => {
  using self = Process.self();
  for (const [limit, name] of [
    [{ soft: 5 }, '"limit.soft"'],
    [{ soft: -1n }, '"limit.soft"'],
    [{ soft: 2n, hard: 1n }, '"limit.soft"'],
    [{ hart: 1n }, '"limit.hart"'],
    [7, '"limit"'],
  ] as const) {
    const error = thrownBy(() => self.setResourceLimit('core', limit as never));
    t.is(error.kind, 'InvalidArgument');
    t.true(error.message.startsWith(name), error.message);
  }
  t.regex(
    thrownBy(() => self.getResourceLimit('files' as never)).message,
    /"resource" must be one of 'as'.*received 'files'/,
  );
});
