// The addon's own functions, which the facade calls with what it has checked.

import { closeSync } from 'node:fs';
import { native } from '../../../src/native.ts';
import { SPAWN_PLAN } from '../addon.ts';
import type { Entries, Entry } from '../entries.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import { goHome } from './cgroup.ts';

type ClassName = keyof World['raw'];

const on = (name: ClassName) => (random: Random, world: World) => {
  const instances: readonly object[] = world.raw[name];
  return instances.length > 0 ? random.pick(instances) : {};
};
/** Called on one; `args` without where to deliver. */
const method = (name: ClassName, args: Entry['args'], more: Partial<Entry> = {}): Entry => ({
  args,
  on: on(name),
  ...more,
});
const delivered = { delivers: true };

const NOTHING = () => [];
const openPlan = (random: Random) => ({
  flags: random.pick([0, 1, 2]),
  directory: false,
  pathOnly: random.percent(50),
  follow: random.percent(50),
});
const file = (random: Random, world: World) => [
  random.pick([0, -1, -2, 1]),
  random.pick([undefined, world.raw.Process[0]]),
  random.pick(['status', 'comm', 'fd', 'exe']),
];
const procfsPlan = (random: Random) => ({
  unmasked: random.percent(30),
  require: ['detached'],
  allowSameProcfs: true,
  retryAttached: false,
});
const snap = (random: Random) => ['snap', random.pick([undefined, 0, 1, 2]), random.pick(['foo', 'foo_key'])];
const subject = (random: Random, world: World) => [
  random.pick([1, process.pid]),
  random.pick([undefined, world.raw.Process[0]]),
  random.pick([undefined, '', 'freezer', 'name=systemd']),
];
const victim = (random: Random, world: World) => random.pick(world.victims).pid;
const path = (random: Random, world: World) =>
  random.pick([`${world.scratch[0]?.path}/raw-${random.next()}`, '/', '/nowhere']);
const limits = {
  memoryMaxBytes: 2n ** 30n,
  memoryHighBytes: 'max',
  swapMaxBytes: 'max',
  pidsMax: 10n,
  cpuMax: 0.5,
  cpuWeight: 100,
};
const closeBoth = (_: World, result: unknown) => {
  if (Array.isArray(result)) for (const fd of result as number[]) if (fd >= 0) closeSync(fd);
};

const further = (random: Random) => ({
  session: random.percent(50),
  noNewPrivileges: random.percent(50),
  detachTerminal: false,
  ambientCapabilities: [5],
  dropCapabilities: [1],
  namespaces: random.pick([[], ['user', 'uts']]),
  unshare: random.pick([[], ['ipc']]),
  enteredNamespaces: random.pick([[], ['uts']]),
  resourceLimits: [{ resource: 'nofile', soft: 64n }],
  cpuAffinity: random.pick([[], [0]]),
  ignoredSignals: [13],
  ...random.some({
    processGroup: 0,
    credentials: { uid: 0, gid: 0, groups: [0] },
    umask: 0o22,
    parentDeathSignal: 9,
    controllingTerminal: 0,
    foreground: 0,
    landlock: 0,
    seccomp: Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f),
    root: '/',
    userNamespace: { uidMap: [{ containerId: 0, hostId: 0, size: 1 }], gidMap: [], setgroups: false },
    niceness: 5,
    oomScoreAdjust: 500,
  }),
});
const spawnPlan = (random: Random) => ({
  ...SPAWN_PLAN,
  argv: 'true\0a\0',
  env: random.pick(['', 'A=b\0', 'A=b\0C=d\0', undefined]),
  stdio: random.pick([
    [-2, -2, -2],
    [-1, -1, 2],
  ]),
  ...random.some({ cwd: '/', cgroups: [0], further: further(random) }),
});
/** Never without an end: what waits for it would be this thread. */
const bounds = () => ({ input: new Uint8Array(4), maxBufferBytes: 100, timeoutMs: 50, killSignal: 9 });
const entered = (random: Random, world: World) => random.pick([undefined, world.raw.Process[0]]);

export const raw: Entries = {
  version: { args: NOTHING },
  features: { args: NOTHING, rarely: 10 },
  capabilityNumber: { args: () => ['net_admin'] },
  cgroupLayout: { args: NOTHING },
  keepsFrozen: { args: NOTHING },
  hasRememberedVariables: { args: NOTHING },
  rememberVariables: { args: (random) => [random.pick(['', 'A=b\0'])] },
  isApplication: { args: () => ['snap', 'foo'] },
  unitOfTag: { args: () => ['snap', 'snap.foo.app'] },
  // For this program a limit that it does not need.
  getResourceLimit: { args: () => ['core'] },
  setResourceLimit: { args: () => ['core', 0n, undefined] },
  pipe: { args: () => [true, false], after: closeBoth },
  exec: { args: () => ['/no/such/program', 'a\0', 'A=b\0'] },
  // From then on nothing is frozen any more: the last call of a program.
  thawForGood: { args: NOTHING, rarely: Number.POSITIVE_INFINITY },
  spawn: { args: (random, world) => [spawnPlan(random), entered(random, world)], lethal: true, ...delivered },
  run: { args: (random, world) => [spawnPlan(random), entered(random, world), bounds()], lethal: true, ...delivered },
  runSync: { args: (random, world) => [spawnPlan(random), entered(random, world), bounds()], lethal: true },
  listProcesses: { args: NOTHING, rarely: 3, ...delivered },
  cgroupPathOf: { args: subject, ...delivered },
  trackingPathOf: { args: (random, world) => subject(random, world).slice(0, 2), ...delivered },
  applicationOf: { args: (random) => [...snap(random).slice(0, 2), process.pid], ...delivered },
  pidsOfApplication: { args: snap, ...delivered },
  freezeApplication: { args: (random) => [...snap(random), 20], ...delivered },
  thawApplication: { args: snap, ...delivered },
  killApplication: { args: (random) => [...snap(random), 20], ...delivered },
  confirmService: { args: (random) => [...snap(random).slice(0, 2), 'snap.foo.app', process.pid], ...delivered },
  createScope: {
    args: (_, world) => [
      { name: 'fuzz', delegate: true, properties: [{ name: 'TasksMax', number: 5n }], bus: 'system' },
      [world.raw.Process[0]],
      5,
    ],
    ...delivered,
  },
  freezeGroups: { args: (_, world) => [[...world.raw.Cgroup], 20, [1]], ...delivered },

  'new Environment': { args: () => [() => undefined], rarely: 5 },
  // One of its own: what the other has to deliver is waited for.
  'Environment#drain': method('Environment', NOTHING, {
    on: () => new (native().Environment)(() => undefined),
    rarely: 5,
  }),
  'Environment#cancel': method('Environment', (random) => [random.below(1000)]),

  'new Process': { args: NOTHING },
  'Process.open': { args: (random, world) => [victim(random, world), random.percent(50)] },
  'Process.own': { args: NOTHING },
  'Process.fromIdentity': { args: () => ['00000000-0000-0000-0000-000000000000', 1, '1', '1'] },
  'Process#get pid': method('Process', NOTHING),
  'Process#get pidfd': method('Process', NOTHING),
  'Process#identity': method('Process', NOTHING),
  'Process#isAlive': method('Process', NOTHING),
  'Process#signal': method(
    'Process',
    (random) => [random.pick([0, 15, 18]), random.pick([undefined, 'process', 'group'])],
    { lethal: true },
  ),
  'Process#wait': method('Process', NOTHING, delivered),
  'Process#waitSync': method('Process', () => [1], {
    blocks: true,
    on: (random, world) => random.pick(world.raw.Child).process(),
  }),
  'Process#info': method('Process', NOTHING),
  'Process#duplicateFd': method('Process', () => [0], {
    after: (_, fd) => {
      if (typeof fd === 'number') closeSync(fd);
    },
  }),
  'Process#releaseMemory': method('Process', NOTHING),
  'Process#getResourceLimit': method('Process', () => ['nofile']),
  'Process#setResourceLimit': method('Process', () => ['nofile', 64n, undefined]),
  'Process#close': method('Process', NOTHING, { trusts: true, on: (_, world) => world.raw.Child[0]?.process() }),

  'new Child': { args: NOTHING },
  'Child#process': method('Child', NOTHING),
  'Child#takePipes': method('Child', NOTHING, { after: closeBoth }),
  'Child#wait': method('Child', NOTHING, delivered),
  'Child#waitSync': method('Child', () => [1], { blocks: true }),
  'Child#pollState': method('Child', NOTHING),
  'Child#close': method('Child', NOTHING, { trusts: true, on: () => ({}) }),

  'new Cgroup': { args: NOTHING },
  'Cgroup.of': { args: subject, ...delivered },
  'Cgroup.open': { args: (random, world) => [path(random, world), ''] },
  'Cgroup.create': { args: (random, world) => [path(random, world), ''] },
  'Cgroup#thaw': method('Cgroup', () => [10], delivered),
  'Cgroup#freezeState': method('Cgroup', NOTHING),
  'Cgroup#limits': method('Cgroup', NOTHING, delivered),
  'Cgroup#setLimits': method('Cgroup', (random) => [random.some(limits)], delivered),
  'Cgroup#stats': method('Cgroup', NOTHING, delivered),
  'Cgroup#member': method('Cgroup', (random, world) => [victim(random, world), false], delivered),
  'Cgroup#watch': method('Cgroup', NOTHING),
  'Cgroup#child': method('Cgroup', () => ['child']),
  'Cgroup#createChild': method('Cgroup', (random) => [`child-${random.next()}`]),
  'Cgroup#children': method('Cgroup', NOTHING, delivered),
  'Cgroup#describe': method('Cgroup', NOTHING),
  'Cgroup#add': method('Cgroup', (random, world) => [victim(random, world)], { after: goHome }),
  'Cgroup#addProcess': method('Cgroup', (_, world) => [world.raw.Process[0]]),
  'Cgroup#contains': method('Cgroup', (random, world) => [victim(random, world)]),
  'Cgroup#containsProcess': method('Cgroup', (_, world) => [world.raw.Process[0]]),
  'Cgroup#pids': method('Cgroup', () => [true], delivered),
  'Cgroup#kill': method('Cgroup', () => [50, false], { lethal: true, rarely: 2, ...delivered }),
  'Cgroup#stop': method('Cgroup', () => [9, 1, 50], { lethal: true, rarely: 2, ...delivered }),
  'Cgroup#readFile': method('Cgroup', () => ['cgroup.procs'], delivered),
  'Cgroup#writeFile': method('Cgroup', () => ['cgroup.max.depth', 'max'], delivered),
  'Cgroup#remove': method('Cgroup', () => [false, 1], { rarely: 3, ...delivered }),
  'Cgroup#close': method('Cgroup', NOTHING, { trusts: true, on: () => ({}) }),

  'new Lease': { args: NOTHING },
  'Lease#release': method('Lease', NOTHING, delivered),

  'new ProcFile': { args: NOTHING },
  'ProcFile#get fd': method('ProcFile', NOTHING),
  'ProcFile#read': method(
    'ProcFile',
    (random) => [random.pick([0, 16, 4096]), random.pick([undefined, 0, 10])],
    delivered,
  ),
  'ProcFile#readAll': method('ProcFile', NOTHING, delivered),
  'ProcFile#write': method('ProcFile', () => [new Uint8Array(4)], delivered),
  'ProcFile#stat': method('ProcFile', NOTHING),
  'ProcFile#close': method('ProcFile', NOTHING, { trusts: true, on: () => ({}) }),

  'new Procfs': { args: NOTHING },
  'Procfs.open': { args: (random) => [procfsPlan(random)], ...delivered },
  'Procfs.openSync': { args: (random) => [procfsPlan(random)] },
  'Procfs.shared': { args: NOTHING },
  'Procfs#info': method('Procfs', NOTHING),
  'Procfs#read': method('Procfs', file, delivered),
  'Procfs#readSync': method('Procfs', file),
  'Procfs#readlink': method('Procfs', file, delivered),
  'Procfs#readlinkSync': method('Procfs', file),
  'Procfs#readdir': method('Procfs', file, delivered),
  'Procfs#write': method('Procfs', () => [-1, undefined, 'comm', Buffer.from('name')], delivered),
  'Procfs#openFile': method('Procfs', (random, world) => [...file(random, world), openPlan(random)], delivered),
  'Procfs#openFileSync': method('Procfs', (random, world) => [...file(random, world), openPlan(random)]),
  'Procfs#fdPath': method('Procfs', () => [0]),
  'Procfs#reopen': method('Procfs', (random) => [0, openPlan(random)], delivered),
  'Procfs#close': method('Procfs', NOTHING, { trusts: true, on: (_, world) => world.raw.Procfs[1] }),

  // Without a systemd there is none to call them on.
  'new Scope': { args: NOTHING },
  'Scope#describe': method('Scope', NOTHING),
  'Scope#stop': method('Scope', NOTHING, delivered),
  'Scope#freeze': method('Scope', () => [10], delivered),
  'Scope#thaw': method('Scope', () => [10], delivered),

  'new Watch': { args: NOTHING },
  'Watch#next': method('Watch', NOTHING, delivered),
  'Watch#close': method('Watch', NOTHING, { trusts: true, on: () => ({}) }),
};
