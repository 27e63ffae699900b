// What can be asked of a safe procfs, and of a file of it.

import { closeSync, constants, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { type ProcFile, Procfs, procfs } from 'procward';
import { type Operation, operation } from '../operation.ts';

const shared = () => procfs();
const close = (handle: { close(): void }) => handle.close();
const comm = readFileSync('/proc/self/comm', 'utf8');
const exe = readlinkSync('/proc/self/exe');

/** A file of one line, whose descriptor says whether it is the right one. */
const isComm = (file: ProcFile) => {
  const bytes = Buffer.alloc(64);
  return bytes.toString('utf8', 0, readSync(file.fd, bytes, 0, bytes.length, 0)) === comm;
};
const openComm = () => procfs().openSync('self', 'comm', { flags: 'r+' });
const opened = { before: shared, right: isComm, release: close };
const isKnown = ({ info }: Procfs) => info.origin !== undefined;

/** Which threads there are changes by itself. */
const NAMES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'];

export const ofProcfs: Operation[] = [
  operation({
    covers: ['procfs'],
    before: () => undefined,
    act: () => procfs().readFileSync('self', 'comm', 'utf8'),
    right: (text) => text === comm,
  }),
  operation({
    covers: ['Procfs.open'],
    before: () => undefined,
    act: () => Procfs.open(),
    right: isKnown,
    release: close,
  }),
  operation({
    covers: ['Procfs.openSync'],
    before: () => undefined,
    act: () => Procfs.openSync(),
    right: isKnown,
    release: close,
  }),
  operation({
    covers: ['Procfs.openSync'],
    how: 'unmasked',
    before: () => undefined,
    act: () => Procfs.openSync({ unmasked: true }),
    right: (root) => root.readFileSync('root', 'uptime').length > 0,
    release: close,
  }),
  operation({
    covers: ['Procfs.info'],
    before: shared,
    act: (root) => root.info,
    right: (info) => info.origin.length > 0,
  }),
  operation({ covers: ['Procfs.openThreadSelf'], ...opened, act: (root) => root.openThreadSelf('comm') }),
  operation({ covers: ['Procfs.openSelf'], ...opened, act: (root) => root.openSelf('comm') }),
  operation({ covers: ['Procfs.openPid'], ...opened, act: (root) => root.openPid(process.pid, 'comm') }),
  operation({
    covers: ['Procfs.openRoot'],
    before: shared,
    act: (root) => root.openRoot('uptime'),
    right: (file) => file.fd > 2,
    release: close,
  }),
  operation({ covers: ['Procfs.open'], how: 'of a file', ...opened, act: (root) => root.open('self', 'comm') }),
  operation({ covers: ['Procfs.openSync'], how: 'of a file', ...opened, act: (root) => root.openSync('self', 'comm') }),
  operation({
    covers: ['Procfs.openSync'],
    how: 'of a link, followed',
    before: shared,
    act: (root) => root.openSync('self', 'exe', { follow: true }),
    right: (file) => readlinkSync(`/proc/self/fd/${file.fd}`) === exe,
    release: close,
  }),
  operation({
    covers: ['Procfs.readFile'],
    before: shared,
    act: (root) => root.readFile('self', 'comm', 'utf8'),
    right: (text) => text === comm,
  }),
  operation({
    covers: ['Procfs.readFile'],
    how: 'of a global file',
    before: shared,
    act: (root) => root.readFile('root', 'version', 'utf8'),
    right: (text) => text === readFileSync('/proc/version', 'utf8'),
  }),
  operation({
    covers: ['Procfs.readFileSync'],
    before: shared,
    act: (root) => root.readFileSync('self', 'comm', 'utf8'),
    right: (text) => text === comm,
  }),
  operation({
    covers: ['Procfs.writeFile'],
    before: shared,
    act: (root) => root.writeFile('self', 'comm', comm.trim()),
  }),
  operation({
    covers: ['Procfs.readdir'],
    before: shared,
    act: (root) => root.readdir('self', 'ns'),
    right: (names) => NAMES.every((name) => names.includes(name)),
  }),
  operation({
    covers: ['Procfs.readlink'],
    before: shared,
    act: (root) => root.readlink('self', 'exe'),
    right: (target) => target === exe,
  }),
  operation({
    covers: ['Procfs.readlinkSync'],
    before: shared,
    act: (root) => root.readlinkSync('self', 'exe'),
    right: (target) => target === exe,
  }),
  operation({
    covers: ['Procfs.fdPath'],
    before: () => ({ fd: openSync('/dev/null', constants.O_RDONLY) }),
    act: ({ fd }) => procfs().fdPath(fd),
    right: (path) => path === '/dev/null',
    after: ({ fd }) => closeSync(fd),
  }),
  operation({
    covers: ['Procfs.reopen'],
    before: () => ({ fd: openSync('/dev/null', constants.O_RDONLY) }),
    act: ({ fd }) => procfs().reopen(fd, { flags: 'w' }),
    right: (file) => readlinkSync(`/proc/self/fd/${file.fd}`) === '/dev/null',
    release: close,
    after: ({ fd }) => closeSync(fd),
  }),
  operation({
    covers: ['Procfs.withUnmasked'],
    before: shared,
    act: (root) => root.withUnmasked((unmasked) => unmasked.readFile('root', 'version', 'utf8')),
    right: (text) => text === readFileSync('/proc/version', 'utf8'),
  }),
  operation({ covers: ['Procfs.close', 'Procfs.[Symbol.dispose]'], before: () => Procfs.openSync(), act: close }),
  operation({ covers: ['ProcFile.fd'], before: openComm, act: (file) => file.fd, right: (fd) => fd > 2, after: close }),
  operation({
    covers: ['ProcFile.read'],
    before: openComm,
    act: async (file) => {
      const bytes = Buffer.alloc(64);
      return bytes.toString('utf8', 0, await file.read(bytes, 0));
    },
    right: (text) => text === comm,
    after: close,
  }),
  operation({
    covers: ['ProcFile.bytes'],
    before: openComm,
    act: (file) => file.bytes(),
    right: isAllOrTheRest,
    after: close,
  }),
  operation({
    covers: ['ProcFile.text'],
    before: openComm,
    act: (file) => file.text(),
    right: isAllOrTheRest,
    after: close,
  }),
  operation({
    covers: ['ProcFile.write'],
    before: openComm,
    act: (file) => file.write(comm.trim()),
    right: (length) => length === comm.trim().length,
    after: close,
  }),
  operation({
    covers: ['ProcFile.stat'],
    before: openComm,
    act: (file) => file.stat(),
    right: ({ mode }) => (mode & constants.S_IFMT) === constants.S_IFREG,
    after: close,
  }),
  operation({ covers: ['ProcFile.close', 'ProcFile.[Symbol.dispose]'], before: openComm, act: close }),
];

/** After an attempt that failed it goes on from where that one came to, as read(2) does. */
function isAllOrTheRest(content: Buffer | string): boolean {
  return comm.endsWith(String(content));
}
