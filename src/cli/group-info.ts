// What there is to say about one control group.

import type { Cgroup } from '../cgroup.ts';
import { ProcwardError } from '../errors.ts';
import type { FreezeState } from '../freeze.ts';
import type { CgroupLimits, CgroupStats } from '../group-limits.ts';
import { facts, showBytes, showCpu } from './output.ts';
import { printable } from './printable.ts';

/** What `info --json` prints of a group. */
export interface GroupDescription {
  readonly path: string;
  readonly version: 1 | 2;
  /** Of the directory, as text: it has 64 bits. */
  readonly id: string;
  /** Processes in it and below. */
  readonly processes: number;
  readonly children: readonly string[];
  /** Null where the hierarchy cannot freeze. */
  readonly freeze: { readonly state: FreezeState; readonly by: 'self' | 'ancestor' | null } | null;
  /** Those whose controller it has. */
  readonly limits: Partial<CgroupLimits>;
  readonly stats: CgroupStats;
}

export async function describeGroup(group: Cgroup): Promise<GroupDescription> {
  return {
    path: group.path,
    version: group.version,
    id: String(group.id),
    processes: (await group.pids({ recursive: true })).length,
    children: await group.children(),
    freeze: await orNull(async () => group.freezeState()),
    limits: { ...(await orNull(() => group.limits())) },
    stats: await group.stats(),
  };
}

/** What this hierarchy does not have is no failure of the whole. */
async function orNull<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ProcwardError && error.kind === 'Unsupported') return null;
    throw error;
  }
}

export function formatGroup(group: GroupDescription): string {
  const { limits, stats, freeze } = group;
  const limit = (value: bigint | number | 'max' | undefined) => (value === undefined ? '' : `, limit ${value}`);
  const bytes = (value: bigint | 'max' | undefined) => (value === undefined ? '' : `, limit ${showBytes(value)}`);
  const by = freeze?.by === 'ancestor' ? ', by a group above' : '';
  return facts([
    ['group', printable(group.path)],
    ['version', String(group.version)],
    ['id', group.id],
    ['processes', String(group.processes)],
    ['groups below', group.children.map(printable).join(' ') || '-'],
    ['state', freeze === null ? '-' : `${freeze.state}${by}`],
    [
      'memory',
      `${showBytes(stats.memoryBytes)}, at most ${showBytes(stats.memoryPeakBytes)}${bytes(limits.memoryMaxBytes)}`,
    ],
    ['swap', bytes(limits.swapMaxBytes).replace(/^, /, '') || '-'],
    ['tasks', `${stats.pids ?? '?'}${limit(limits.pidsMax)}`],
    ['cpu', `${stats.cpuUsageMs === null ? '?' : showCpu(stats.cpuUsageMs)}${limit(limits.cpuMax)}`],
    ['cpu weight', String(limits.cpuWeight ?? '-')],
    ['out of memory', `${stats.oomKills ?? '?'} killed`],
  ]);
}
