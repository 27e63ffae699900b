// Control groups against what programs do by hand. Each figure is a function, and runs on scratch groups.

import { readFileSync } from 'node:fs';
import { cgroupLayout, features, spawn } from 'procward';
import { type Comparison, compare, timed } from './compare.ts';
import { measureCore } from './core.ts';
import { together, versionOne, versionTwo } from './freeze.ts';
import { type Held, holds } from './holds.ts';
import { siblings } from './kill.ts';
import { FREEZER, PIDS, UNIFIED, withScratch } from './scratch.ts';

const kinds: readonly Held[] = [
  {
    name: 'v2',
    hierarchy: UNIFIED,
    operations: ['freeze', 'release', 'thaw', 'watch', 'stats', 'pids', 'kill', 'stop'],
  },
  {
    name: 'v1',
    hierarchy: FREEZER,
    operations: ['freeze', 'release', 'thaw', 'stats', 'pids', 'kill', 'stop'],
  },
  { name: 'v1 pids', hierarchy: PIDS, operations: ['watch', 'limits', 'stats'] },
];

export async function run(quick: boolean): Promise<Comparison[]> {
  const { cgroup_v2_write, cgroup_v2_freeze, cgroup_v2_kill } = features();
  if (cgroup_v2_write.status !== 'yes') return [];
  const rows = [await membership(quick ? 11 : 41)];
  if (cgroup_v2_freeze.status === 'yes') {
    if (hasVersionOne('pids')) rows.push(...measureCore('freeze', quick), await versionTwo(quick ? 40 : 200));
    rows.push(await together(quick ? 20 : 100));
  }
  if (hasVersionOne('freezer') && hasVersionOne('pids')) {
    rows.push(await versionOne(8, quick ? 20 : 100), await versionOne(32, quick ? 20 : 60));
  }
  if (cgroup_v2_kill.status === 'yes') rows.push(...(await siblings(quick ? 3 : 11)));
  for (const held of kinds) {
    const { hierarchy } = held;
    if ('controller' in hierarchy && !hasVersionOne(hierarchy.controller)) continue;
    rows.push(...(await holds(held, quick ? 20 : 100)));
  }
  return rows;
}

function hasVersionOne(controller: string): boolean {
  return cgroupLayout().hierarchies.some(
    ({ version, controllers, writable }) => version === 1 && writable && controllers.includes(controller),
  );
}

/** Whether a process that is held is in a group. */
function membership(rounds: number): Promise<Comparison> {
  return withScratch([UNIFIED], async ({ group }) => {
    await using child = await spawn('sleep', ['1000'], { stdio: 'ignore', cgroup: group });
    const file = `/proc/${child.pid}/cgroup`;
    const line = `0::${group.path}`;
    if (!group.contains(child)) throw new Error(`${child.pid} is not in ${group.path}`);
    return await compare(
      'contains(process), against reading and comparing /proc/<pid>/cgroup',
      timed(() => group.contains(child)),
      timed(() => readFileSync(file, 'utf8').split('\n').includes(line)),
      rounds,
      500,
    );
  });
}
