// Procfs and ProcFile.

import { ProcFile, Procfs } from 'procward';
import { unwrap } from '../../../src/errors.ts';
import { native } from '../../../src/native.ts';
import type { Entries, Entry } from '../entries.ts';
import { aboutToDetach } from '../hostile-bytes.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

const on = (random: Random, world: World) => random.pick(world.procfses);
const onFile = (random: Random, world: World) => random.pick(world.files);
const closed = (type: typeof Procfs | typeof ProcFile) => (random: Random, world: World) =>
  random.pick(world.closed.filter((handle) => handle instanceof type));
const base = (random: Random, world: World) =>
  random.pick<() => unknown>([
    () => 'root',
    () => 'self',
    () => 'thread-self',
    () => ({ pid: 1 }),
    () => random.pick(world.processes),
  ])();
const path = (random: Random) =>
  random.pick([
    'status',
    'comm',
    'stat',
    'fd',
    'ns/net',
    'cwd',
    'exe',
    'net/unix',
    'sys/kernel/pid_max',
    'uptime',
    'task',
    'nowhere',
  ]);
const how = (random: Random) =>
  random.some({
    flags: random.pick<unknown>(['r', 'r+', 0, 0o2000000]),
    directory: random.percent(30),
    pathOnly: random.percent(50),
    follow: random.percent(50),
  });
const options = (random: Random) =>
  random.some({
    unmasked: random.percent(50),
    require: [random.pick(['detached', 'no-overmounts', 'openat2', 'masked'])],
    allowSameProcfs: true,
    retryAttached: true,
  });
const encoding = (random: Random) => random.pick<unknown>([undefined, 'utf8', 'hex', 'latin1']);

const methods: Entries = {
  'Procfs#get info': { args: () => [], on },
  'Procfs#open': { args: (random, world) => [base(random, world), path(random), how(random)], on },
  'Procfs#openSync': { args: (random, world) => [base(random, world), path(random), how(random)], on },
  'Procfs#openRoot': { args: (random) => [path(random), how(random)], on },
  'Procfs#openSelf': { args: (random) => [path(random), how(random)], on },
  'Procfs#openThreadSelf': { args: (random) => [path(random), how(random)], on },
  'Procfs#openPid': { args: (random) => [process.pid, path(random), how(random)], on },
  'Procfs#readFile': { args: (random, world) => [base(random, world), path(random), encoding(random)], on },
  'Procfs#readFileSync': { args: (random, world) => [base(random, world), path(random), encoding(random)], on },
  'Procfs#writeFile': {
    args: (random, world) => [
      random.pick<unknown>(['self', random.pick(world.victims)]),
      'comm',
      random.pick<unknown>(['name', Buffer.from('name')]),
    ],
    on,
  },
  'Procfs#readdir': { args: (random, world) => [base(random, world), random.pick(['fd', 'task', 'ns', 'status'])], on },
  'Procfs#readlink': {
    args: (random, world) => [
      base(random, world),
      random.pick(['cwd', 'exe', 'fd/0', 'self']),
      random.pick<unknown>([undefined, 'buffer']),
    ],
    on,
  },
  'Procfs#readlinkSync': {
    args: (random, world) => [base(random, world), random.pick(['cwd', 'exe', 'fd/0', 'self'])],
    on,
  },
  'Procfs#fdPath': { args: (random) => [random.pick([0, 1, 2, 99])], on },
  'Procfs#reopen': { args: (random, world) => [random.pick([0, fdOf(random, world)]), how(random)], on },
  'Procfs#withUnmasked': {
    args: (random) => [random.pick<unknown>([() => 1, async () => 2, (unmasked: Procfs) => unmasked.info])],
    on,
    rarely: 3,
  },
};
const fileMethods: Entries = {
  'ProcFile#get fd': { args: () => [], on: onFile },
  'ProcFile#read': {
    args: (random) => [
      random.pick([new Uint8Array(16), Buffer.alloc(64), aboutToDetach()]),
      random.pick([undefined, 0, 100, 2 ** 40]),
    ],
    on: onFile,
  },
  'ProcFile#bytes': { args: () => [], on: onFile },
  'ProcFile#text': { args: () => [], on: onFile },
  'ProcFile#write': { args: (random) => [random.pick<unknown>(['fuzzer', Buffer.from('fuzzer')])], on: onFile },
  'ProcFile#stat': { args: () => [], on: onFile },
};

const also = (methods: Entries, type: typeof Procfs | typeof ProcFile): [string, Entry][] =>
  Object.entries(methods).map(([name, entry]) => [
    name,
    { ...entry, on: (random, world) => (random.percent(10) ? closed(type)(random, world) : entry.on?.(random, world)) },
  ]);

export const procfs: Entries = {
  ...Object.fromEntries([...also(methods, Procfs), ...also(fileMethods, ProcFile)]),
  'new Procfs': { internal: true, args: () => [native().Procfs.shared()], rarely: 5 },
  'new ProcFile': { internal: true, args: (_, world) => [world.closeLater(ownStatus())], rarely: 5 },
  'Procfs.open': { args: (random) => [options(random)] },
  'Procfs.openSync': { args: (random) => [options(random)] },
  'Procfs#close': { trusts: true, args: () => [], on: closed(Procfs) },
  'Procfs#[Symbol.dispose]': { trusts: true, args: () => [], on: closed(Procfs) },
  'ProcFile#close': { trusts: true, args: () => [], on: closed(ProcFile) },
  'ProcFile#[Symbol.dispose]': { trusts: true, args: () => [], on: closed(ProcFile) },
};

function fdOf(random: Random, world: World): number {
  try {
    return random.pick(world.files).fd;
  } catch {
    return 0;
  }
}

function ownStatus(): { close(): void } {
  const plan = { flags: 0, directory: false, pathOnly: false, follow: false };
  return unwrap(native().Procfs.shared().openFileSync(-1, undefined, 'status', plan));
}
