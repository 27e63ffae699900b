// Open files of procfs: every way to open one, reading, writing, listing, reopening.

import {
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Process, procfs } from 'procward';
import { census, growth } from './census.ts';
import { rejectionOf, thrownBy } from './failure.ts';
import { needing } from './needs.ts';

test('a file opens from every base, and reads like the one Node reads', async (t) => {
  const proc = procfs();
  using self = Process.self();
  const ways = [
    proc.openSelf('comm'),
    proc.open('self', 'comm'),
    proc.openPid(process.pid, 'comm'),
    proc.open({ pid: process.pid }, 'comm'),
    proc.open(self, 'comm'),
    self.open('comm'),
  ];
  for (const opening of ways) {
    using file = await opening;
    t.is(await file.text(), readFileSync('/proc/self/comm', 'utf8'));
  }
  using sync = proc.openSync('self', 'comm');
  t.is(await sync.text(), readFileSync('/proc/self/comm', 'utf8'));
});

test('a global file opens although the shared handle is masked', async (t) => {
  using file = await procfs().openRoot('sys/kernel/ostype');
  t.is(await file.text(), 'Linux\n');
});

test('the file of this thread is that of the thread that runs the JavaScript', async (t) => {
  using file = await procfs().openThreadSelf('status');
  const status = await file.text();
  t.regex(status, new RegExp(`^Pid:\\t${process.pid}$`, 'm'), 'the main thread has the id of the process');
});

test('a read fills the buffer it is given, from a position or from where the last one ended', async (t) => {
  using file = await procfs().openSelf('comm');
  const name = readFileSync('/proc/self/comm');
  const two = new Uint8Array(2);
  t.is(await file.read(two), 2);
  t.deepEqual(two, new Uint8Array(name.subarray(0, 2)));
  t.is(await file.read(two, 1), 2, 'a position leaves where the file stands');
  t.deepEqual(two, new Uint8Array(name.subarray(1, 3)));
  t.deepEqual(await file.bytes(), name.subarray(2));
  t.is(await file.read(two), 0);
  t.is(await file.read(new Uint8Array(0)), 0);
});

test('a file tells which one it is', async (t) => {
  using file = await procfs().openSelf('status');
  const { dev, ino, mode, mountId } = file.stat();
  const stats = fstatSync(file.fd, { bigint: true });
  t.deepEqual({ dev, ino, mode: BigInt(mode) }, { dev: stats.dev, ino: stats.ino, mode: stats.mode });
  t.true(mountId === null || mountId > 0n);
});

test.serial('a name is written to the file that was asked for, whole', async (t) => {
  const before = procfs().readFileSync('thread-self', 'comm', 'utf8').trim();
  t.teardown(() => procfs().writeFile('self', 'comm', before));
  await procfs().writeFile('self', 'comm', 'procward-test');
  t.is(procfs().readFileSync('self', 'comm', 'utf8'), 'procward-test\n');
  using file = await procfs().openSelf('comm', { flags: 'w' });
  t.is(await file.write(Buffer.from('again')), 5);
  t.is(procfs().readFileSync('self', 'comm', 'utf8'), 'again\n');
});

test('a value that the kernel does not take is an invalid argument', async (t) => {
  const error = await rejectionOf(procfs().writeFile('self', 'oom_score_adj', 'much'));
  t.like(error, { kind: 'InvalidArgument', code: 'EINVAL', syscall: 'write', path: '/proc/self/oom_score_adj' });
});

test('a directory lists its names, of a base and of a process', async (t) => {
  using self = Process.self();
  for (const base of ['self', { pid: process.pid }, self] as const) {
    const names = await procfs().readdir(base, 'task');
    t.true(names.includes(String(process.pid)));
    t.false(names.includes('.'));
  }
  t.like(await rejectionOf(procfs().readdir('self', 'status')), { kind: 'Os', code: 'ENOTDIR' });
});

test('a magic link is followed on request only', async (t) => {
  t.like(await rejectionOf(procfs().openSelf('exe')), { kind: 'MagicLink', code: 'ELOOP' });
  using exe = await procfs().openSelf('exe', { follow: true });
  t.is(exe.stat().ino, statSync(process.execPath, { bigint: true }).ino);
  t.is(procfs().fdPath(exe.fd), process.execPath);
});

test('a handle to the path itself cannot be read', async (t) => {
  using link = await procfs().openSelf('exe', { pathOnly: true });
  t.is(link.stat().mode & constants.S_IFMT, constants.S_IFLNK);
  t.like(await rejectionOf(link.bytes()), { code: 'EBADF' });
});

test('what must be a directory is one', async (t) => {
  using directory = await procfs().openSelf('fd', { directory: true });
  t.is(directory.stat().mode & constants.S_IFMT, constants.S_IFDIR);
  t.like(await rejectionOf(procfs().openSelf('status', { directory: true })), { code: 'ENOTDIR' });
});

test('nothing is created, whatever the flags ask for', async (t) => {
  for (const flags of [constants.O_CREAT, constants.O_EXCL, constants.O_RDWR | 0o20200000]) {
    t.like(await rejectionOf(procfs().openSelf('status', { flags })), { kind: 'InvalidArgument' });
  }
});

test('a descriptor tells its path and opens once more with other flags', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'procward-reopen-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'file');
  writeFileSync(path, 'content');
  const fd = openSync(path, 'r');
  t.teardown(() => closeSync(fd));
  t.is(procfs().fdPath(fd), path);
  using again = await procfs().reopen(fd, { flags: 'r+' });
  t.not(again.fd, fd);
  t.is(again.stat().ino, fstatSync(fd, { bigint: true }).ino);
  await again.write('CONTENT');
  t.is(readFileSync(path, 'utf8'), 'CONTENT');
  t.is(procfs().fdPath(0), readlinkSync('/proc/self/fd/0'));
  t.like(
    thrownBy(() => procfs().fdPath(99_999)),
    { kind: 'NotFound' },
  );
  t.like(await rejectionOf(procfs().reopen(99_999)), { code: 'EBADF' });
});

needing('root')('one unmasked handle serves many global files and is closed at the end', async (t) => {
  const [leaked, version] = await procfs().withUnmasked(async (unmasked) => {
    t.is(unmasked.info.subset, 'none');
    return [unmasked, await unmasked.readFile('root', 'version', 'utf8')] as const;
  });
  t.is(version, readFileSync('/proc/version', 'utf8'));
  t.like(
    thrownBy(() => leaked.readFileSync('root', 'version')),
    { kind: 'Closed' },
  );
  await t.throwsAsync(
    procfs().withUnmasked(() => {
      throw new RangeError('theirs');
    }),
    { instanceOf: RangeError, message: 'theirs' },
  );
});

test('a closed file is closed, twice if need be, and refuses use', async (t) => {
  const file = await procfs().openSelf('status');
  file.close();
  file.close();
  for (const use of [() => file.fd, () => file.stat(), () => file.bytes(), () => file.write('')]) {
    t.like(thrownBy(use), { kind: 'Closed', code: 'ERR_PROCWARD_CLOSED' });
  }
});

test.serial('a thousand files leave no descriptor', async (t) => {
  const use = async () => {
    using file = await procfs().openSelf('status');
    await file.bytes();
  };
  await use();
  const before = census();
  for (let round = 0; round < 1000; round += 1) await use();
  t.deepEqual(await growth(before), {});
});
