// What can be asked of a process that is held by handle.

import { spawn as start } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readFileSync, readlinkSync } from 'node:fs';
import { type Exit, getResourceLimit, Process, setResourceLimit, waitAll, waitAny } from 'procward';
import { type Operation, operation } from '../operation.ts';

const close = (handle: { close(): void }) => handle.close();
const self = () => Process.self();
const isSelf = (handle: Process) => handle.pid === process.pid && handle.alive;
const onSelf = { before: self, after: close };
const comm = readFileSync('/proc/self/comm', 'utf8');

/** A process that ends as soon as its input does; it is Node's child, not procward's. */
async function reader() {
  const child = start('cat', { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  await once(child, 'spawn');
  return { child, ended, handle: Process.open(child.pid as number) };
}
type Reader = Awaited<ReturnType<typeof reader>>;

async function end({ child, ended, handle }: Reader): Promise<void> {
  child.stdin.destroy();
  await ended;
  handle.close();
}
const hasEnded = (exit: Exit) => exit.type === 'unknown' || (exit.type === 'exited' && exit.code === 0);

export const ofProcess: Operation[] = [
  operation({
    covers: ['Process.open'],
    before: () => undefined,
    act: () => Process.open(process.pid),
    right: isSelf,
    release: close,
  }),
  operation({ covers: ['Process.self'], before: () => undefined, act: self, right: isSelf, release: close }),
  operation({
    covers: ['Process.fromIdentity'],
    before: () => {
      using own = self();
      return own.identity;
    },
    act: (identity) => Process.fromIdentity(identity),
    right: isSelf,
    release: close,
  }),
  operation({
    covers: ['Process.identity'],
    ...onSelf,
    act: (own) => own.identity,
    right: ({ pid, bootId }) => pid === process.pid && bootId.length === 36,
  }),
  operation({ covers: ['Process.pidfd'], ...onSelf, act: (own) => own.pidfd }),
  operation({ covers: ['Process.alive'], ...onSelf, act: (own) => own.alive, right: (alive) => alive }),
  operation({ covers: ['Process.signal'], ...onSelf, act: (own) => own.signal(0) }),
  operation({
    covers: ['Process.info'],
    ...onSelf,
    act: (own) => own.info(),
    right: ({ pid, ppid }) => pid === process.pid && ppid === process.ppid,
  }),
  operation({
    covers: ['Process.readFile'],
    ...onSelf,
    act: (own) => own.readFile('comm', 'utf8'),
    right: (text) => text === comm,
  }),
  operation({
    covers: ['Process.readFileSync'],
    ...onSelf,
    act: (own) => own.readFileSync('comm', 'utf8'),
    right: (text) => text === comm,
  }),
  operation({
    covers: ['Process.readlink'],
    ...onSelf,
    act: (own) => own.readlink('exe'),
    right: (path) => path === readlinkSync('/proc/self/exe'),
  }),
  operation({
    covers: ['Process.open'],
    how: 'of a file',
    ...onSelf,
    act: (own) => own.open('comm'),
    right: (file) => file.fd > 2,
    release: close,
  }),
  operation({
    covers: ['Process.duplicateFd'],
    ...onSelf,
    act: (own) => own.duplicateFd(1),
    release: (fd) => closeSync(fd),
  }),
  operation({ covers: ['Process.releaseMemory'], ...onSelf, act: (own) => own.releaseMemory(), expects: 'Busy' }),
  operation({
    covers: ['Process.getResourceLimit'],
    ...onSelf,
    act: (own) => own.getResourceLimit('core'),
    right: ({ hard }) => hard !== undefined,
  }),
  operation({
    covers: ['Process.setResourceLimit'],
    ...onSelf,
    act: (own) => own.setResourceLimit('core', { soft: 0n }),
    right: ({ soft }) => soft === 0n,
  }),
  operation({ covers: ['Process.ref'], ...onSelf, act: (own) => own.ref() }),
  operation({ covers: ['Process.unref'], ...onSelf, act: (own) => own.unref() }),
  operation({ covers: ['Process.close', 'Process.[Symbol.dispose]'], before: self, act: close }),
  operation({
    covers: ['Process.waitSync'],
    ...onSelf,
    act: (own) => own.waitSync({ timeoutMs: 1 }),
    right: (exit) => exit === null,
  }),
  operation({
    covers: ['Process.wait'],
    before: reader,
    act: ({ child, handle }) => {
      const exit = handle.wait();
      child.stdin.end();
      return exit;
    },
    right: hasEnded,
    after: end,
  }),
  operation({
    covers: ['waitAny'],
    before: reader,
    act: ({ child, handle }) => {
      const first = waitAny([handle, handle]);
      child.stdin.end();
      return first;
    },
    right: ({ process: first, exit }, { handle }) => first === handle && hasEnded(exit),
    after: end,
  }),
  operation({
    covers: ['waitAll'],
    before: reader,
    act: ({ child, handle }) => {
      const all = waitAll([handle, handle]);
      child.stdin.end();
      return all;
    },
    right: (exits) => exits.length === 2 && exits.every(hasEnded),
    after: end,
  }),
  operation({
    covers: ['getResourceLimit'],
    before: () => undefined,
    act: () => getResourceLimit('nofile'),
    right: ({ soft }) => soft !== 0n,
  }),
  operation({
    covers: ['setResourceLimit'],
    before: () => undefined,
    act: () => setResourceLimit('core', { soft: 0n }),
    right: ({ soft }) => soft === 0n,
  }),
];
