// Cgroup. Groups of the fuzzer's own only: whatever else there is does not belong to it.

import { Cgroup } from 'procward';
import { unwrap } from '../../../src/errors.ts';
import { native } from '../../../src/native.ts';
import type { Entries, Entry } from '../entries.ts';
import type { Random } from '../random.ts';
import { HOME, type World } from '../world.ts';

const on = (random: Random, world: World): unknown =>
  world.groups.length > 0 ? random.pick(world.groups) : Cgroup.open('/');
const onClosed = (random: Random, world: World) => {
  const groups = world.closed.filter((handle) => handle instanceof Cgroup);
  return groups.length > 0 ? random.pick(groups) : on(random, world);
};
const abort = (random: Random) =>
  random.pick([AbortSignal.timeout(2), AbortSignal.abort(), new AbortController().signal]);
const path = (random: Random, world: World) =>
  random.pick(['/', '/nowhere', ...world.groups.map((group) => group.path)]);
const newPath = (random: Random, world: World) => `${world.scratch[0]?.path ?? ''}/new-${random.next()}`;
const matcher = (random: Random) =>
  random.pick<() => unknown>([
    () => undefined,
    () => ({ unified: true }),
    () => ({ controller: 'freezer' }),
    () => ({ name: 'systemd' }),
  ])();
const someone = (random: Random, world: World) =>
  random.pick<unknown>([...world.processes, ...world.victims.map(({ pid }) => pid)]);
const limits = (random: Random) =>
  random.some({
    memoryMaxBytes: 2n ** 30n,
    memoryHighBytes: 'max',
    swapMaxBytes: 'max',
    pidsMax: 100n,
    cpuMax: 1.5,
    cpuWeight: 50,
  });

/** A number may have been the fuzzer's own: then it goes home, or the next kill would be its end. */
export function goHome(world: World): void {
  for (const { hierarchy, path } of world.scratch) {
    using home = Cgroup.open(`${path}/${HOME}`, hierarchy);
    // The first of the pid namespace, which reaps orphans, cannot be killed from inside.
    for (const pid of [process.pid, 1]) if (!home.contains(pid)) home.add(pid);
  }
}

const methods: Entries = {
  'Cgroup#child': { args: () => ['child'], on },
  'Cgroup#createChild': { args: (random) => [`child-${random.next()}`], on },
  'Cgroup#children': { args: () => [], on },
  'Cgroup#add': { args: (random, world) => [someone(random, world)], on, after: goHome },
  'Cgroup#contains': { args: (random, world) => [someone(random, world)], on },
  'Cgroup#pids': { args: (random) => [random.some({ recursive: true })], on },
  'Cgroup#processes': { args: (random) => [random.some({ recursive: true })], on },
  'Cgroup#freeze': {
    args: (random, world) => [random.some({ timeoutMs: 50, signal: abort(random), protect: [someone(random, world)] })],
    on,
    rarely: 2,
  },
  'Cgroup#thaw': { args: (random) => [random.some({ timeoutMs: 50, signal: abort(random) })], on },
  'Cgroup#freezeState': { args: () => [], on },
  'Cgroup#kill': {
    args: (random) => [random.some({ timeoutMs: 50, signal: abort(random), includeSelf: random.percent(50) })],
    on,
    lethal: true,
    rarely: 2,
  },
  'Cgroup#stop': {
    args: (random) => [random.some({ killSignal: 'SIGKILL', graceMs: 5, timeoutMs: 50, signal: abort(random) })],
    on,
    lethal: true,
    rarely: 2,
  },
  'Cgroup#watch': { args: (random) => [random.some({ signal: abort(random) })], on },
  'Cgroup#limits': { args: () => [], on },
  'Cgroup#setLimits': { args: (random) => [limits(random)], on },
  'Cgroup#stats': { args: () => [], on },
  'Cgroup#readFile': { args: (random) => [random.pick(['cgroup.procs', 'cgroup.events', 'tasks'])], on },
  'Cgroup#writeFile': {
    args: (random) => [random.pick(['cgroup.max.depth', 'cgroup.subtree_control']), random.pick(['max', '5', ''])],
    on,
  },
};

export const cgroup: Entries = {
  ...Object.fromEntries(
    Object.entries(methods).map(([name, entry]): [string, Entry] => [
      name,
      { ...entry, on: (random, world) => (random.percent(10) ? onClosed(random, world) : entry.on?.(random, world)) },
    ]),
  ),
  'new Cgroup': {
    internal: true,
    args: (_, world) => [world.closeLater(unwrap(native().Cgroup.open('/')))],
    rarely: 5,
  },
  'Cgroup.open': { args: (random, world) => [path(random, world), matcher(random)] },
  'Cgroup.create': { args: (random, world) => [newPath(random, world), { ...world.scratch[0]?.hierarchy }], rarely: 2 },
  'Cgroup.of': { args: (random, world) => [someone(random, world), matcher(random)] },
  // The group would be gone; one that was closed before says so.
  'Cgroup#remove': { args: (random) => [random.some({ recursive: true, timeoutMs: 5 })], on: onRemovable, rarely: 2 },
  'Cgroup#close': { trusts: true, args: () => [], on: onClosed },
  'Cgroup#[Symbol.dispose]': { trusts: true, args: () => [], on: onClosed },
};

function onRemovable(random: Random, world: World): unknown {
  const [scratch] = world.scratch;
  if (scratch === undefined || random.percent(20)) return onClosed(random, world);
  return world.closeLater(Cgroup.create(`${scratch.path}/removable-${random.next()}`, scratch.hierarchy));
}
