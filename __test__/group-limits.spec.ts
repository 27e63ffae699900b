// What groups may use and what they use: one surface over both versions.

import { readFileSync } from 'node:fs';
import { Cgroup, type CgroupLimits, cgroupLayout, spawn } from 'procward';
import { rejectionOf, thrownBy } from './failure.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

const CPU = { controller: 'cpu' } as const;
const MEMORY = { controller: 'memory' } as const;
const PIDS = { controller: 'pids' } as const;
const MIB = 2n ** 20n;

/** What a file of a version 1 group says, as Node reads it. */
function fileOf(group: Cgroup, controller: string, file: string): string {
  const found = cgroupLayout().hierarchies.find(({ controllers }) => controllers.includes(controller));
  return readFileSync(`${found?.mountPoint}${group.path}/${file}`, 'utf8').trim();
}

needing('memory1')('memory of version 1 is limited in bytes', async (t) => {
  const group = scratchGroup(t, MEMORY);
  t.is((await group.limits()).memoryMaxBytes, 'max');
  await group.setLimits({ memoryMaxBytes: 64n * MIB });
  t.is(fileOf(group, 'memory', 'memory.limit_in_bytes'), String(64n * MIB));
  t.is((await group.limits()).memoryMaxBytes, 64n * MIB);
  await group.setLimits({ memoryMaxBytes: 'max' });
  t.is((await group.limits()).memoryMaxBytes, 'max');
  const stats = await group.stats();
  t.is(typeof stats.memoryBytes, 'bigint');
  t.is(typeof stats.memoryPeakBytes, 'bigint');
  t.like(stats, { pids: null, cpuUsageMs: null, oomKills: 0n });
});

needing('cpu1')('CPUs of version 1 are limited in cores and weighed', async (t) => {
  const group = scratchGroup(t, CPU);
  await group.setLimits({ cpuMax: 1.5, cpuWeight: 50 });
  t.deepEqual({ ...(await group.limits()) }, { cpuMax: 1.5, cpuWeight: 50 } as CgroupLimits);
  t.is(fileOf(group, 'cpu', 'cpu.cfs_quota_us'), '150000');
  t.is(fileOf(group, 'cpu', 'cpu.shares'), '512');
  await group.setLimits({ cpuMax: 'max' });
  t.is((await group.limits()).cpuMax, 'max');
});

needing('cpu1')('what was read can be written, and what is left out stays', async (t) => {
  const group = scratchGroup(t, CPU);
  await group.setLimits({ cpuMax: 0.25, cpuWeight: 7 });
  const saved = await group.limits();
  await group.setLimits({ cpuMax: 'max', cpuWeight: 100 });
  await group.setLimits(saved);
  t.deepEqual(await group.limits(), saved);
  await group.setLimits({});
  await group.setLimits({ cpuWeight: 8 });
  t.is((await group.limits()).cpuMax, 0.25);
});

needing('pids1', 'cgroup2')(
  'a limit that the group cannot have says so when it is read, and where it is',
  async (t) => {
    const group = scratchGroup(t, PIDS);
    const limits = await group.limits();
    t.deepEqual(Object.keys(limits), ['pidsMax']);
    const error = thrownBy(() => limits.cpuWeight);
    t.like(error, { kind: 'Unsupported', code: 'ENOENT' });
    t.regex(error.stack ?? '', /group-limits\.spec\.ts/);
    t.like(await rejectionOf(group.setLimits({ pidsMax: 5n, cpuWeight: 5 })), { kind: 'Unsupported' });
    t.is((await group.limits()).pidsMax, 'max', 'all or nothing');
  },
);

needing('cgroup2', 'memory1')('version 2 beside version 1 names the hierarchy that has the controller', async (t) => {
  const group = scratchGroup(t);
  const error = await rejectionOf(group.limits());
  t.is(error.kind, 'Unsupported');
  t.regex(error.hint ?? '', /Cgroup\.create\(path, { controller: 'memory' }\)/);
  const refused = await rejectionOf(group.setLimits({ memoryMaxBytes: MIB }));
  t.like(refused, { kind: 'Unsupported', hint: error.hint });
  const stats = await group.stats();
  t.like(stats, { memoryBytes: null, memoryPeakBytes: null, pids: null, oomKills: null });
  t.is(typeof stats.cpuUsageMs, 'number');
});

needing(
  'memory2',
  'pids2',
  'cpu2',
)('version 2 limits everything in one group', async (t) => {
  const group = scratchGroup(t);
  const limits = {
    memoryMaxBytes: 64n * MIB,
    memoryHighBytes: 32n * MIB,
    pidsMax: 9n,
    cpuMax: 0.5,
    cpuWeight: 7,
  } as const;
  await group.setLimits(limits);
  t.like(await group.limits(), limits);
  t.is(await group.readFile('cpu.max'), '50000 100000\n');
  await using _child = await spawn('sleep', ['1000'], { stdio: 'ignore', cgroup: group });
  t.like(await group.stats(), { pids: 1, oomKills: 0n });
});

needing('pids1')('bad limits are refused at once, by name', async (t) => {
  const group = scratchGroup(t, PIDS);
  const rows: [string, unknown][] = [
    ['limits', undefined],
    ['limits', null],
    ['limits', 5],
    ['limits.memory', { memory: 5n }],
    ['limits.memoryMaxBytes', { memoryMaxBytes: 5 }],
    ['limits.memoryMaxBytes', { memoryMaxBytes: -1n }],
    ['limits.memoryHighBytes', { memoryHighBytes: 2n ** 63n }],
    ['limits.swapMaxBytes', { swapMaxBytes: 'min' }],
    ['limits.pidsMax', { pidsMax: 2n ** 22n + 1n }],
    ['limits.pidsMax', { pidsMax: null }],
    ['limits.cpuMax', { cpuMax: 0 }],
    ['limits.cpuMax', { cpuMax: Number.NaN }],
    ['limits.cpuMax', { cpuMax: 1n }],
    ['limits.cpuWeight', { pidsMax: 5n, cpuWeight: 0 }],
    ['limits.cpuWeight', { cpuWeight: 10_001 }],
    ['limits.cpuWeight', { cpuWeight: 1.5 }],
  ];
  for (const [name, limits] of rows) {
    const error = thrownBy(() => group.setLimits(limits as never));
    t.is(error.kind, 'InvalidArgument');
    t.true(error.message.startsWith(`"${name}" must be `), error.message);
  }
  t.is((await group.limits()).pidsMax, 'max');
});

needing('pids1')('a removed group is gone, and a closed handle is closed', async (t) => {
  const group = scratchGroup(t, PIDS);
  using again = Cgroup.open(group.path, PIDS);
  await again.remove();
  for (const ask of [group.limits(), group.setLimits({ pidsMax: 5n }), group.stats()]) {
    t.is((await rejectionOf(ask)).kind, 'Gone');
  }
  again.close();
  for (const ask of [() => again.limits(), () => again.setLimits({}), () => again.stats()]) {
    t.is(thrownBy(ask).kind, 'Closed');
  }
});
