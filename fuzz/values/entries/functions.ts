// Functions of procward.

import { closeSync } from 'node:fs';
import type { Entries } from '../entries.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

const error = (random: Random) => random.pick<unknown>([new Error('e'), { code: 'ENOENT' }, { code: 5 }, null, 'text']);
const predicate = { args: (random: Random) => [error(random)] };
const matcher = (random: Random) =>
  random.pick<() => object>([
    () => ({ unified: true }),
    () => ({ controller: 'freezer' }),
    () => ({ name: 'systemd' }),
  ])();
const processOrPid = (random: Random, world: World) =>
  random.pick<unknown>([...world.processes, process.pid, 1, 2 ** 22]);
const abort = (random: Random) =>
  random.pick([AbortSignal.timeout(2), AbortSignal.abort(), new AbortController().signal]);

/** None reads: what it were given instead of its input might be what wakes the fuzzer's own event loop. */
const program = (random: Random): [string, string[]] =>
  random.pick<() => [string, string[]]>([
    () => ['true', []],
    () => ['true', ['a', 'b']],
    () => ['/no/such/program', []],
  ])();

function spawnOptions(random: Random, world: World): Record<string, unknown> {
  const groups = world.groups.slice(0, 1);
  const id = { containerId: 0, hostId: 0, size: 1 };
  const often = {
    cwd: random.pick<unknown>(['/', new URL('file:///')]),
    env: { PATH: process.env['PATH'], A: 'b', C: undefined },
    argv0: 'name',
    signal: abort(random),
    killSignal: random.pick<unknown>(['SIGKILL', 9, 'SIGTERM']),
    timeoutMs: random.pick([0, 1, 20]),
    cgroup: random.pick<unknown>([groups[0] ?? 'none', [...groups], '/nowhere']),
  };
  const seldom = {
    session: random.percent(50),
    processGroup: 'new',
    detachTerminal: false,
    credentials: { uid: 0, gid: 0, groups: random.pick<unknown>(['keep', [], [0]]) },
    ambientCapabilities: ['kill'],
    dropCapabilities: random.pick<unknown>(['all', ['sys_admin']]),
    noNewPrivileges: true,
    seccomp: Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f),
    root: '/',
    namespaces: random.pick([['user', 'uts'], ['uts'], ['user', 'pid', 'mount']]),
    unshare: random.pick([['ipc'], ['cgroup'], []]),
    enterNamespacesOf: { process: random.pick(world.processes), namespaces: ['uts', 'ipc'] },
    userNamespace: { uidMap: [id], gidMap: [{ ...id }], setgroups: false },
    resourceLimits: { nofile: { soft: 64n }, core: { soft: 0n, hard: 'infinity' } },
    umask: 0o22,
    niceness: random.pick([0, 5]),
    cpuAffinity: [0],
    oomScoreAdjust: 500,
    parentDeathSignal: 'SIGKILL',
    ignoredSignals: ['SIGPIPE', 'SIGUSR1'],
    controllingTerminal: 0,
    foreground: 0,
    landlock: 0,
  };
  const stdio = random.pick<() => unknown>([
    () => 'ignore',
    () => ['pipe', 'pipe', 'ignore'],
    () => ['ignore', { fd: 2 }, 2],
    () => 'pipe',
  ])();
  return { stdio, ...random.some(often), ...(random.percent(50) && few(random, seldom)) };
}

/** Two or three of them: most exclude each other. */
function few(random: Random, all: Record<string, unknown>): Record<string, unknown> {
  const names = Array.from({ length: 1 + random.below(3) }, () => random.pick(Object.keys(all)));
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

const spawn = (random: Random, world: World) => [...program(random), spawnOptions(random, world)];
const run = (random: Random, world: World) => {
  const options = {
    ...spawnOptions(random, world),
    timeoutMs: 50,
    ...random.some({ input: 'input', maxBufferBytes: random.pick([0, 100]) }),
  };
  return [...program(random), options];
};

export const functions: Entries = {
  cgroupLayout: { args: () => [] },
  cgroupVersion: { args: () => [] },
  isUnified: { args: () => [] },
  features: { args: () => [], rarely: 10 },
  procfs: { args: () => [] },
  isNotExist: predicate,
  isPermission: predicate,
  isExist: predicate,
  isUnsupported: predicate,
  isTemporary: predicate,
  isTimeout: predicate,
  'new ProcwardError': {
    args: () => [
      { kind: 'Os', message: 'made by hand', code: 'EPERM', errno: -1, cause: new Error('cause'), processes: [] },
    ],
  },
  decodeWaitStatus: { args: (random) => [random.pick([0, 0x0700, 9, 0x137f, 0xffff])] },
  cgroupPathOf: { args: (random, world) => [processOrPid(random, world), matcher(random)] },
  trackingPathOf: { args: (random, world) => [processOrPid(random, world)] },
  // Of this program: none of these limits has anything to do with what it needs itself.
  getResourceLimit: { args: (random) => [random.pick(['core', 'nofile', 'as'])] },
  setResourceLimit: {
    args: (random) => [
      random.pick(['core', 'locks', 'msgqueue']),
      random.some({ soft: random.pick<unknown>([0n, 4096n, 'infinity']), hard: 'infinity' }),
    ],
  },
  pipe: {
    args: (random) => [random.some({ closeOnExec: true, nonBlocking: random.percent(50) })],
    after: (_, result) => {
      const { readFd, writeFd } = result as { readFd: number; writeFd: number };
      closeSync(readFd);
      closeSync(writeFd);
    },
  },
  spawn: { args: spawn, lethal: true },
  run: { args: run, lethal: true },
  runSync: { args: run, lethal: true },
  // It comes back only when it fails, and this must.
  exec: { args: (random) => ['/no/such/program', ['a'], random.some({ env: { A: 'b' }, argv0: 'name' })] },
  waitAny: {
    args: (random, world) => [[...world.ended, ...world.victims.slice(0, 1)], random.some({ signal: abort(random) })],
  },
  waitAll: {
    args: (random, world) => [new Set([...world.ended, ...world.processes]), random.some({ signal: abort(random) })],
  },
  freezeAll: {
    args: (random, world) => [
      [...world.groups],
      random.some({ timeoutMs: 20, signal: abort(random), protect: [random.pick(world.processes), 1] }),
    ],
    rarely: 3,
  },
  createTransientScope: {
    args: (random, world) => [
      {
        name: 'fuzz',
        timeoutMs: 5,
        ...random.some({
          processes: [random.pick(world.victims), process.pid],
          description: 'a scope',
          slice: 'app.slice',
          delegate: true,
          properties: { MemoryMax: '512M', TasksMax: 5, CPUWeight: 10n, After: ['a.service'], Flag: true },
          bus: random.pick(['auto', 'session', 'system']),
          signal: abort(random),
        }),
      },
    ],
    rarely: 3,
  },
};
