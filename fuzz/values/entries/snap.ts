// procward/snap and procward/testing.

import type { Entries } from '../entries.ts';
import type { Random } from '../random.ts';

const abort = (random: Random) =>
  random.pick([AbortSignal.timeout(2), AbortSignal.abort(), new AbortController().signal]);
const name = (random: Random) => random.pick(['foo', 'foo_key', 'no-such-snap']);
const tag = (random: Random) => random.pick(['snap.foo.app', 'snap.foo.hook.install', 'snap.foo_key.svc']);
const wait = (random: Random) => random.some({ timeoutMs: 20, signal: abort(random) });
const restore = (_: unknown, result: unknown) => {
  (result as () => void)();
};

export const snap: Entries = {
  snapNameFromPid: { args: (random) => [random.pick([process.pid, 1, 2 ** 22])] },
  pidsOfSnap: { args: (random) => [name(random)] },
  freezeSnapProcesses: { args: (random) => [name(random), wait(random)], rarely: 2 },
  thawSnapProcesses: { args: (random) => [name(random)] },
  killSnapProcesses: { args: (random) => [name(random), wait(random)], rarely: 2 },
  createTransientScopeForTracking: {
    args: (random) => [tag(random), random.some({ allowSessionBus: random.percent(50) })],
    rarely: 2,
  },
  confirmSystemdServiceTracking: { args: (random) => [tag(random)] },
};

export const testing: Entries = {
  mockFreezing: { args: () => [() => undefined, async () => undefined], after: restore },
  mockCgroupVersion: {
    args: (random) => [random.pick([0, 1, 2]), random.pick([undefined, new Error('mock')])],
    after: restore,
  },
};
