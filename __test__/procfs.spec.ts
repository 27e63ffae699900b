// Reading /proc through handles that cannot be lied to.

import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { features, isNotExist, Process, Procfs, type ProcwardError, procfs } from 'procward';
import { census, growth } from './census.ts';
import { endStranger, startSleeper } from './children.ts';
import { rejectionOf, thrownBy } from './failure.ts';
import { answerOf, fixture } from './fixture.ts';
import { needing } from './needs.ts';

const comm = readFileSync('/proc/self/comm', 'utf8');
const NOBODY = 2 ** 22;
const { detached, subset } = procfs().info;
const ownInstance = process.getuid?.() === 0 && features().fsopen.status === 'yes';

test('info says what was achieved', (t) => {
  const { origin, resolver, mountId, attempts } = procfs().info;
  t.true(['fsopen', 'open_tree', 'open_tree_recursive', 'host'].includes(origin));
  t.is(detached, origin !== 'host');
  t.true(['pid', 'none'].includes(subset));
  t.is(resolver, features().openat2.status === 'yes' ? 'openat2' : 'walk');
  t.true(['unique', 'statx', 'fdinfo', 'none'].includes(mountId));
  if (ownInstance) t.like(procfs().info, { origin: 'fsopen', subset: 'pid' });
  else t.true(attempts.length > 0);
  for (const { step, code } of attempts) t.true(step !== '' && /^E[A-Z]/.test(code), `${step} ${code}`);
});

test('every base leads to its own files', async (t) => {
  const proc = procfs();
  using self = Process.self();
  t.is(await proc.readFile('self', 'comm', 'utf8'), comm);
  t.is(await proc.readFile('thread-self', 'comm', 'utf8'), comm);
  t.is(await proc.readFile({ pid: process.pid }, 'comm', 'utf8'), comm);
  t.is(await proc.readFile(self, 'comm', 'utf8'), comm);
  t.is(await self.readFile('comm', 'utf8'), comm);
  t.is(await proc.readFile('root', `${process.pid}/comm`, 'utf8'), comm);
  t.regex(await proc.readFile('root', 'sys/kernel/pid_max', 'utf8'), /^\d+\n$/);
});

test('every base leads to its own files, at once', (t) => {
  const proc = procfs();
  using self = Process.self();
  for (const base of ['self', 'thread-self', { pid: process.pid }, self] as const) {
    t.is(proc.readFileSync(base, 'comm', 'utf8'), comm);
    t.is(proc.readlinkSync(base, 'cwd'), process.cwd());
  }
  t.is(self.readFileSync('comm', 'utf8'), comm);
  t.regex(proc.readFileSync('root', 'uptime', 'utf8'), /^\d/);
});

test('without an encoding a file is bytes, with one it is text', async (t) => {
  t.deepEqual(await procfs().readFile('self', 'comm'), Buffer.from(comm));
  t.deepEqual(procfs().readFileSync('self', 'comm'), Buffer.from(comm));
  t.is(await procfs().readFile('self', 'comm', 'hex'), Buffer.from(comm).toString('hex'));
  t.is(procfs().readFileSync('self', 'comm', 'base64'), Buffer.from(comm).toString('base64'));
});

test('a file of many pages is read whole', async (t) => {
  const maps = await procfs().readFile('self', 'smaps', 'utf8');
  t.true(maps.length > 16 * 1024);
  t.true(maps.endsWith('\n'));
});

test('links are told, not followed', async (t) => {
  const proc = procfs();
  using self = Process.self();
  t.is(await proc.readlink('self', 'cwd'), process.cwd());
  t.is(await proc.readlink('self', 'exe'), readlinkSync('/proc/self/exe'));
  t.deepEqual(await proc.readlink('self', 'cwd', 'buffer'), Buffer.from(process.cwd()));
  t.is(await self.readlink('ns/net'), readlinkSync('/proc/self/ns/net'));
  t.is(await proc.readlink('root', 'self'), String(process.pid));
  const error = await rejectionOf(proc.readlink('self', 'status'));
  t.like(error, { kind: 'InvalidArgument', code: 'EINVAL', errno: -constants.errno.EINVAL });
});

const refused: readonly (readonly [path: string, fields: Partial<ProcwardError>])[] = [
  ['../1/status', { kind: 'Escape', code: 'ERR_PROCWARD_ESCAPE' }],
  ['task/..', { kind: 'Escape', code: 'ERR_PROCWARD_ESCAPE' }],
  ['/proc/self/status', { kind: 'Escape', code: 'ERR_PROCWARD_ESCAPE' }],
  ['no-such-file', { kind: 'NotFound', code: 'ENOENT', errno: -constants.errno.ENOENT }],
  ['status/further', { code: 'ENOTDIR', errno: -constants.errno.ENOTDIR }],
  ['exe', { kind: 'MagicLink', code: 'ELOOP', errno: -constants.errno.ELOOP }],
  ['cwd/package.json', { kind: 'MagicLink', code: 'ELOOP' }],
  ['root/proc/self/status', { kind: 'MagicLink', code: 'ELOOP' }],
  ['fd/0', { kind: 'MagicLink', code: 'ELOOP' }],
  ['ns/net', { kind: 'MagicLink', code: 'ELOOP' }],
  ['task', { code: 'EISDIR', errno: -constants.errno.EISDIR }],
  ['', { code: 'EISDIR' }],
];

for (const [path, fields] of refused) {
  test(`the path '${path}' is refused with an error of its kind, at once and later`, async (t) => {
    for (const error of [
      thrownBy(() => procfs().readFileSync('self', path)),
      await rejectionOf(procfs().readFile('self', path)),
    ]) {
      t.like(error, fields);
      t.true(error.path?.startsWith('/proc/self'), error.path);
    }
  });
}

test('a missing process is not found', async (t) => {
  const error = await rejectionOf(procfs().readFile({ pid: NOBODY }, 'status'));
  t.like(error, { kind: 'NotFound', code: 'ENOENT', path: `/proc/${NOBODY}/status` });
  t.true(isNotExist(error));
});

test('the files of a process that has ended are gone', async (t) => {
  const sleeper = await startSleeper(t);
  using handle = Process.open(sleeper.pid);
  t.regex(procfs().readFileSync(handle, 'status', 'utf8'), new RegExp(`^Pid:\\t${sleeper.pid}$`, 'm'));
  await endStranger(sleeper);
  const gone = { kind: 'Gone', code: 'ESRCH', errno: -constants.errno.ESRCH, pid: sleeper.pid } as const;
  t.like(await rejectionOf(procfs().readFile(handle, 'comm')), gone);
  t.like(await rejectionOf(procfs().readlink(handle, 'cwd')), gone);
  t.like(await rejectionOf(handle.readFile('comm')), gone);
  t.like(
    thrownBy(() => handle.readFileSync('comm', 'utf8')),
    gone,
  );
});

test('a handle of its own works until it is closed, and leaves nothing', async (t) => {
  await procfs().readFile('self', 'comm'); // The shared handle is open from now on.
  using proc = Procfs.openSync();
  t.is(proc.readFileSync('self', 'comm', 'utf8'), comm);
  proc.close();
  proc.close();
  const closed = { kind: 'Closed', code: 'ERR_PROCWARD_CLOSED', message: 'This Procfs was closed before' } as const;
  t.like(
    thrownBy(() => proc.readFile('self', 'comm')),
    closed,
  );
  t.like(
    thrownBy(() => proc.readFileSync('self', 'comm')),
    closed,
  );
  t.like(
    thrownBy(() => proc.readlink('self', 'cwd')),
    closed,
  );
  t.like(
    thrownBy(() => proc.readlinkSync('self', 'cwd')),
    closed,
  );
});

test.serial('opening and closing a hundred handles leaves no descriptor', async (t) => {
  (await Procfs.open()).close(); // Starts whatever is started once.
  const before = census();
  for (let round = 0; round < 100; round += 1) {
    const proc = round % 2 === 0 ? Procfs.openSync() : await Procfs.open();
    proc.readFileSync('self', 'comm');
    proc.close();
  }
  const { descriptors } = await growth(before);
  t.is(descriptors, undefined);
});

test('closing the shared handle does nothing', (t) => {
  procfs().close();
  t.is(procfs(), procfs());
  t.is(procfs().readFileSync('self', 'comm', 'utf8'), comm);
});

test('an operation under way outlives the close of its handle', async (t) => {
  const proc = Procfs.openSync();
  const reading = proc.readFile('self', 'comm', 'utf8');
  proc.close();
  t.is(await reading, comm);
});

test('the shared handle survives that its descriptor is closed by others', async (t) => {
  const { opened, ...names } = (await answerOf('closes-the-root-of-procfs.mjs')) as Record<string, unknown>;
  const { first } = names;
  t.regex(String(first), /\n$/);
  t.deepEqual(names, { first, second: first, third: first });
  t.is(opened, detached && subset === 'pid' ? 1 : 0);
});

test('thread-self is the thread that asks, in a worker too', async (t) => {
  const worker = new Worker(fixture('reads-its-thread.mjs'), { execArgv: [] });
  const [seen] = (await once(worker, 'message')) as [{ link: string; linkSeen: string; atOnce: number; later: number }];
  const tid = Number(seen.link.split('/').at(-1));
  t.not(tid, process.pid);
  t.deepEqual(seen, { link: seen.link, linkSeen: seen.link, atOnce: tid, later: tid });
});

needing('root')('root gets every guarantee that it requires', async (t) => {
  if (!ownInstance) return t.pass('no instance of our own here');
  using proc = await Procfs.open({ require: ['detached', 'no-overmounts', 'masked'] });
  t.like(proc.info, { origin: 'fsopen', detached: true, subset: 'pid' });
});

needing('root')('an unmasked handle shows global files without help', async (t) => {
  using proc = await Procfs.open({ unmasked: true });
  t.is(proc.info.subset, 'none');
  t.regex(await proc.readFile('root', 'uptime', 'utf8'), /^\d/);
});

(detached ? test.skip : test)('a guarantee that cannot be had is refused, not weakened', async (t) => {
  const expected = { kind: 'Unsupported' } as const;
  t.like(await rejectionOf(Procfs.open({ require: ['detached'] })), expected);
  t.like(
    thrownBy(() => Procfs.openSync({ require: ['detached'] })),
    expected,
  );
});

test('what contradicts itself is refused', async (t) => {
  const error = await rejectionOf(Procfs.open({ unmasked: true, require: ['masked'] }));
  t.like(error, { kind: 'InvalidArgument', code: 'ERR_PROCWARD_INVALID_ARGUMENT' });
});
