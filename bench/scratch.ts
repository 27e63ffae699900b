// Control groups of one figure, which go with everything in them, and storms in them.

import * as node from 'node:child_process';
import { once } from 'node:events';
import { Cgroup, cgroupLayout, type GroupMatcher, ProcwardError } from 'procward';
import { coreCommand } from './core.ts';

export interface Scratch {
  readonly group: Cgroup;
  readonly directory: string;
}

export const UNIFIED: GroupMatcher = { unified: true };
export const FREEZER: GroupMatcher = { controller: 'freezer' };
export const PIDS: GroupMatcher = { controller: 'pids' };

/** Above what any storm is, far below what the machine bears. */
const MOST_PROCESSES = 96n;

let count = 0;

/** Makes a group in each of these hierarchies for as long as it takes. */
export async function withScratch<const H extends readonly GroupMatcher[], T>(
  hierarchies: H,
  use: (...scratch: { [At in keyof H]: Scratch }) => Promise<T>,
): Promise<T> {
  const made: Scratch[] = [];
  try {
    for (const hierarchy of hierarchies) {
      count += 1;
      const path = `/procward-bench-${process.pid}-${count}`;
      made.push({ group: Cgroup.create(path, hierarchy), directory: mountPoint(hierarchy) + path });
    }
    return await use(...(made as { [At in keyof H]: Scratch }));
  } finally {
    // One after the other, and all of them whatever happens: a frozen one is thawed by this, too.
    for (const { group } of made) await group.kill({ timeoutMs: 20_000 }).catch(tell);
    for (const { group } of made) await group.remove({ recursive: true }).catch(tell);
    for (const { group } of made) group.close();
  }
}

/** Runs a figure while a storm of the core's (crates/testkit) rages in a group; it ends after two minutes at the latest. */
export function inStorm<T>(
  kind: 'Fork' | 'Spawn' | 'ManySpawn',
  hierarchy: GroupMatcher,
  use: (scratch: Scratch) => Promise<T>,
) {
  return withScratch([hierarchy, PIDS], async (scratch, limit): Promise<T> => {
    await limit.group.setLimits({ pidsMax: MOST_PROCESSES });
    const PROCWARD_TEST_STORM_GROUPS = `${limit.directory}\n${scratch.directory}\n`;
    const env = { ...process.env, PROCWARD_TEST_STORM: kind, PROCWARD_TEST_STORM_GROUPS };
    const program = node.spawn(...coreCommand(), { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(program, 'close');
    const [first] = await Promise.race([once(program.stdout, 'data'), ended]);
    if (String(first) !== 'ready\n') throw new Error(`no storm: ${first}`);
    try {
      return await use(scratch);
    } finally {
      await limit.group.kill();
      await ended;
    }
  });
}

/** The figure itself may have removed it. */
function tell(error: unknown): void {
  if (!(error instanceof ProcwardError) || error.kind !== 'Gone') console.error(error);
}

function mountPoint(hierarchy: GroupMatcher): string {
  const found = cgroupLayout().hierarchies.find(({ version, controllers }) =>
    'controller' in hierarchy ? controllers.includes(hierarchy.controller) : version === 2,
  );
  if (!found?.mountPoint) throw new Error(`not mounted: ${JSON.stringify(hierarchy)}`);
  return found.mountPoint;
}
