// What one of a hundred, a thousand and ten thousand costs: groups, processes, handles. It takes minutes and much of the machine, and
// is run only when it is named: `npm run bench -- scale`.

import { readFileSync } from 'node:fs';
import { features, getResourceLimit, isPermission, setResourceLimit } from 'procward';
import type { Scale } from './scale/curve.ts';
import { groups } from './scale/groups.ts';
import { handles } from './scale/handles.ts';
import { held } from './scale/held.ts';
import { processes } from './scale/processes.ts';
import { UNIFIED, withScratch } from './scratch.ts';

const COUNTS = [100, 1000, 10_000];
const OPENED = [1000, 10_000, 100_000];
/** A handle of a group that was opened by its path holds two, all others one. */
const DESCRIPTORS_EACH = 2;
/** Those of node itself. */
const SPARE_DESCRIPTORS = 200;
/** The rest of the machine has to live, too. */
const PART_OF_PIDS = 1 / 3;

export async function measureScale(quick: boolean): Promise<Scale> {
  if (features().cgroup_v2_freeze.status !== 'yes') throw new Error('scale needs control groups of version 2');
  const most = quick ? 1000 : 10_000;
  const wanted = most * DESCRIPTORS_EACH + SPARE_DESCRIPTORS;
  const descriptors = raiseDescriptors(BigInt(wanted)) - SPARE_DESCRIPTORS;
  const pids = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')) * PART_OF_PIDS;
  const upTo = (limit: number) => COUNTS.filter((count) => count <= Math.min(limit, most));
  return withScratch([UNIFIED], async ({ group }) => ({
    held: await held(group.path, Math.min(most, Math.floor(descriptors / DESCRIPTORS_EACH))),
    curves: [
      ...(await groups(upTo(descriptors))),
      ...(await processes(upTo(Math.min(descriptors, pids)))),
      ...(await handles(group.path, quick ? OPENED.slice(0, 2) : OPENED)),
    ],
  }));
}

/** As many as are wanted, or as we may have. */
function raiseDescriptors(wanted: bigint): number {
  const { soft, hard } = getResourceLimit('nofile');
  if (soft === 'infinity' || soft >= wanted) return Number(wanted);
  const isEnough = hard === 'infinity' || hard >= wanted;
  try {
    setResourceLimit('nofile', isEnough ? { soft: wanted } : { soft: wanted, hard: wanted });
  } catch (error) {
    if (!isPermission(error)) throw error;
    setResourceLimit('nofile', { soft: hard });
  }
  return Number(getResourceLimit('nofile').soft);
}

/** As lines of a table: what it is, then microseconds of one item at each count, and in brackets those of a processor. */
export function describe({ curves, held }: Scale): string[] {
  return [
    ...curves.map(({ subject, what, points }) =>
      [
        `${subject}: ${what}`.padEnd(42),
        ...points.map(({ count, us, cpuUs }) => `${count}: ${us.toFixed(1)} (${cpuUs.toFixed(1)}) µs`.padStart(28)),
      ].join(''),
    ),
    ...held.map(
      ({ what, count, bytesEach, descriptorsEach }) =>
        `${count} of ${what}, held: ${Math.round(bytesEach)} bytes and ${descriptorsEach.toFixed(1)} descriptors each`,
    ),
  ];
}
