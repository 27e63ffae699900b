// Ending many processes, against packages that look for them by their parents.

import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import pidtree from 'pidtree';
import { type Cgroup, type Child, spawn } from 'procward';
import treeKill from 'tree-kill';
import { type Comparison, compareSingles, type Single } from './compare.ts';
import { UNIFIED, withScratch } from './scratch.ts';

const SIBLINGS = 200;

type Kill = (group: Cgroup, parent: number) => Promise<unknown>;

const ours: Kill = (group) => group.kill();

const peers: Record<string, Kill> = {
  'tree-kill': (_, parent) => new Promise((resolve) => treeKill(parent, 'SIGKILL', resolve)),
  pidtree: async (_, parent) => {
    for (const pid of await pidtree(parent, { root: true })) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended after it was listed, as the `ps` that listed it.
      }
    }
  },
};

/** Two hundred children of one process, until none of them is left. */
export async function siblings(rounds: number): Promise<Comparison[]> {
  const rows: Comparison[] = [];
  for (const [name, peer] of Object.entries(peers)) {
    const title = `kill of ${SIBLINGS} siblings, against ${name}`;
    rows.push(await compareSingles(title, untilGone(ours), untilGone(peer), rounds, 1));
  }
  return rows;
}

function untilGone(kill: Kill): Single {
  return () =>
    withScratch([UNIFIED], async ({ group }) => {
      await using parent = await family(group, SIBLINGS);
      const started = performance.now();
      await kill(group, parent.pid);
      while ((await group.pids()).length > 0) await delay(1);
      return performance.now() - started;
    });
}

/** A process in a group, with so many children that sleep. */
export async function family(cgroup: Cgroup, siblings: number): Promise<Child> {
  const script = `i=0; while [ $i -lt ${siblings} ]; do sleep 1000 & i=$((i + 1)); done; wait`;
  const parent = await spawn('sh', ['-c', script], { stdio: 'ignore', cgroup });
  while ((await cgroup.pids()).length <= siblings) await delay(5);
  // The last one may not have become `sleep` yet.
  await delay(50);
  return parent;
}
