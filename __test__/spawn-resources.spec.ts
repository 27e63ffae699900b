// What a child may use: limits, processors, niceness, its score, and the signals that it ignores.

import { readFileSync } from 'node:fs';
import test from 'ava';
import { getResourceLimit, type ResourceName, run, type SpawnOptions, setResourceLimit, spawn } from 'procward';
import { collect } from './collect.ts';
import { rejectionOf, thrownBy } from './failure.ts';

const printed = async (script: string, options: SpawnOptions) =>
  (await collect('sh', ['-c', script], options)).stdout.trim();

test('limits are those that were given; what was not is as ours', async (t) => {
  const limits: SpawnOptions['resourceLimits'] = { nofile: { soft: 64n }, core: { soft: 0n, hard: 0n } };
  const { hard } = getResourceLimit('nofile');
  const options = { resourceLimits: limits };
  t.is(
    await printed('ulimit -Sn; ulimit -Hn; ulimit -Hc', options),
    `64\n${hard === 'infinity' ? 'unlimited' : hard}\n0`,
  );
  const before = getResourceLimit('nofile');
  t.deepEqual(getResourceLimit('nofile'), before);
});

test('a limit that the kernel refuses fails the start', async (t) => {
  const { hard } = getResourceLimit('nofile');
  const soft = hard === 'infinity' ? 'infinity' : hard + 1n;
  const error = await rejectionOf(spawn('true', [], { resourceLimits: { nofile: { soft } } }));
  t.like(error, { kind: 'SpawnFailed', stage: 'resource-limits', code: hard === 'infinity' ? 'EPERM' : 'EINVAL' });
});

test('every resource has a limit, and /proc agrees', (t) => {
  const rows: Readonly<Record<ResourceName, string>> = {
    as: 'Max address space',
    core: 'Max core file size',
    cpu: 'Max cpu time',
    data: 'Max data size',
    fsize: 'Max file size',
    locks: 'Max file locks',
    memlock: 'Max locked memory',
    msgqueue: 'Max msgqueue size',
    nice: 'Max nice priority',
    nofile: 'Max open files',
    nproc: 'Max processes',
    rss: 'Max resident set',
    rtprio: 'Max realtime priority',
    rttime: 'Max realtime timeout',
    sigpending: 'Max pending signals',
    stack: 'Max stack size',
  };
  const table = readFileSync('/proc/self/limits', 'utf8');
  for (const [name, title] of Object.entries(rows)) {
    const [, soft, hard] = new RegExp(`^${title} +(\\w+) +(\\w+)`, 'm').exec(table) ?? [];
    const shown = (value?: string) => (value === 'unlimited' ? 'infinity' : BigInt(value ?? -1));
    t.deepEqual(
      getResourceLimit(name as ResourceName),
      { soft: shown(soft) as bigint, hard: shown(hard) as bigint },
      name,
    );
  }
});

test('a limit of ours is changed, and the one in force is answered', (t) => {
  const before = getResourceLimit('core');
  t.deepEqual(setResourceLimit('core', { soft: 0n }), { ...before, soft: 0n });
  t.deepEqual(getResourceLimit('core'), { ...before, soft: 0n });
  t.deepEqual(setResourceLimit('core', {}), { ...before, soft: 0n });
  t.deepEqual(setResourceLimit('core', { soft: before.soft }), before);
  const upsideDown = thrownBy(() => setResourceLimit('core', { soft: 2n, hard: 1n }));
  t.like(upsideDown, { kind: 'InvalidArgument' });
});

test('a child runs on the processors that it was given', async (t) => {
  const allowed = async (options: SpawnOptions) =>
    /^Cpus_allowed_list:\s+(.*)$/m.exec((await run('cat', ['/proc/self/status'], options)).stdout.toString())?.[1];
  t.is(await allowed({ cpuAffinity: [0] }), '0');
  const error = await rejectionOf(spawn('true', [], { cpuAffinity: [8191] }));
  t.like(error, { kind: 'SpawnFailed', stage: 'scheduling', code: 'EINVAL' });
});

test('a child is as nice as it was told to be', async (t) => {
  t.is(await printed('nice', { niceness: 7 }), '7');
});

test('a score for the out-of-memory killer is that of the child and not ours', async (t) => {
  const ours = () => readFileSync('/proc/self/oom_score_adj', 'utf8');
  const before = ours();
  t.is(await printed('cat /proc/self/oom_score_adj', { oomScoreAdjust: 500 }), '500');
  t.is(ours(), before);
});

test('signals are ignored that were asked for, and no others', async (t) => {
  const ignored = async (options: SpawnOptions) =>
    /^SigIgn:\s+(\w+)$/m.exec((await run('cat', ['/proc/self/status'], options)).stdout.toString())?.[1];
  t.is(await ignored({}), '0000000000000000');
  t.is(await ignored({ ignoredSignals: ['SIGHUP', 'SIGPIPE'] }), '0000000000001001');
});
