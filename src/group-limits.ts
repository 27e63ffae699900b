// What a control group may use, and what it uses.

import type * as Addon from './addon.d.ts';
import { checkInteger, checkOptions, invalid } from './arguments.ts';
import { perform } from './completions.ts';
import { isFailure, unwrap } from './errors.ts';

/** The limits of a control group; see {@link Cgroup.limits}. `'max'` is no limit of its own. */
export interface CgroupLimits {
  /** Memory, page cache included; a process is ended when it cannot be kept. `memory.max`, or `memory.limit_in_bytes`. */
  memoryMaxBytes: bigint | 'max';
  /** From here on its processes are slowed down and its memory reclaimed. `memory.high`; version 1 has nothing like it. */
  memoryHighBytes: bigint | 'max';
  /** Swap. `memory.swap.max`; in version 1 what `memory.memsw.limit_in_bytes` leaves above memory. */
  swapMaxBytes: bigint | 'max';
  /** Tasks: processes and threads. `pids.max`. */
  pidsMax: bigint | 'max';
  /** CPU time in cores: 0.5 is half of one, 2 is two. `cpu.max`, or `cpu.cfs_quota_us`; the period stays as it is. */
  cpuMax: number | 'max';
  /** Share of busy CPUs beside other groups, 1 to 10000, 100 by default. `cpu.weight`, or `cpu.shares` as the kernel converts it. */
  cpuWeight: number;
}

/** What a control group and everything below it use; null is what its hierarchy or this kernel does not count. */
export interface CgroupStats {
  /** Page cache and kernel memory included. Controller memory. */
  readonly memoryBytes: bigint | null;
  /** The most there ever was. Controller memory; on version 2 since Linux 5.19. */
  readonly memoryPeakBytes: bigint | null;
  /** Tasks: processes and threads. Controller pids. */
  readonly pids: number | null;
  /** On all CPUs together. Always there on version 2; on version 1 in the controller cpuacct. */
  readonly cpuUsageMs: number | null;
  /** Processes ended for lack of memory. Controller memory. */
  readonly oomKills: bigint | null;
}

const MOST_BYTES = 2n ** 63n - 1n;
const MOST_PIDS = 2n ** 22n;
const LEAST_CORES = 0.001;
const MOST_CORES = 1_000_000;
const MOST_WEIGHT = 10_000;

const checks: { readonly [name in keyof CgroupLimits]: (name: string, value: unknown) => CgroupLimits[name] } = {
  memoryMaxBytes: checkBytes,
  memoryHighBytes: checkBytes,
  swapMaxBytes: checkBytes,
  pidsMax: (name, value) => checkCeiling(name, value, MOST_PIDS, 'tasks'),
  cpuMax: checkCores,
  cpuWeight: (name, value) => checkInteger(name, value, 1, MOST_WEIGHT, 'a weight: an integer'),
};

/** @internal */
export function readLimits(group: Addon.Cgroup): Promise<CgroupLimits> {
  return perform<Addon.GroupLimitsRecord>((environment, id) => group.limits(environment, id)).then(toLimits);
}

/** Checked as a whole before anything is written. @internal */
export function writeLimits(group: Addon.Cgroup, limits: Partial<CgroupLimits>): Promise<void> {
  if (typeof limits !== 'object' || limits === null || Array.isArray(limits))
    throw invalid('limits', limits, 'an object');
  // What was read of a group has properties that throw: only those that show are meant.
  const given = checkOptions('limits', { ...limits }, Object.keys(checks) as (keyof CgroupLimits)[]);
  const entries = Object.entries(given) as [keyof CgroupLimits, unknown][];
  const checked = Object.fromEntries(entries.map(([name, value]) => [name, checks[name](`limits.${name}`, value)]));
  return perform((environment, id) => group.setLimits(environment, id, checked));
}

/** @internal */
export function readStats(group: Addon.Cgroup): Promise<CgroupStats> {
  return perform<Addon.GroupStatsRecord>((environment, id) => group.stats(environment, id)).then((stats) => ({
    memoryBytes: stats.memoryBytes ?? null,
    memoryPeakBytes: stats.memoryPeakBytes ?? null,
    pids: stats.pids ?? null,
    cpuUsageMs: stats.cpuUsageMs ?? null,
    oomKills: stats.oomKills ?? null,
  }));
}

/** A limit that the group cannot have does not show, and says why when it is asked for. */
function toLimits(record: Addon.GroupLimitsRecord): CgroupLimits {
  const limits = {};
  for (const [name, outcome] of Object.entries(record)) {
    const property = isFailure(outcome) ? { get: () => unwrap(outcome) } : { value: outcome, enumerable: true };
    Object.defineProperty(limits, name, property);
  }
  return limits as CgroupLimits;
}

function checkBytes(name: string, value: unknown): bigint | 'max' {
  return checkCeiling(name, value, MOST_BYTES, 'bytes');
}

function checkCeiling(name: string, value: unknown, most: bigint, what: string): bigint | 'max' {
  if (value === 'max' || (typeof value === 'bigint' && value >= 0n && value <= most)) return value;
  throw invalid(name, value, `'max' or a number of ${what}: a bigint from 0n to ${most}n`);
}

function checkCores(name: string, value: unknown): number | 'max' {
  if (value === 'max' || (typeof value === 'number' && value >= LEAST_CORES && value <= MOST_CORES)) return value;
  throw invalid(name, value, `'max' or a number of cores from ${LEAST_CORES} to ${MOST_CORES}`);
}
