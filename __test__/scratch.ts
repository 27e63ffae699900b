// Control groups that live as long as a test, whatever becomes of it.

import type { ExecutionContext } from 'ava';
import { Cgroup, cgroupLayout, type GroupMatcher, ProcwardError } from 'procward';

let count = 0;

/** A name that no other test of this machine has. */
export function scratchName(): string {
  count += 1;
  return `/procward-test-${process.pid}-${count}`;
}

/** A new group; when the test is over, what runs in it and below is killed, and all of it is removed. */
export function scratchGroup(t: ExecutionContext, hierarchy?: GroupMatcher): Cgroup {
  const group = Cgroup.create(scratchName(), hierarchy);
  t.teardown(async () => {
    try {
      await group.kill({ timeoutMs: 20_000 });
      await group.remove({ recursive: true });
    } catch (error) {
      // The test may have removed it.
      if (!(error instanceof ProcwardError) || error.kind !== 'Gone') throw error;
    } finally {
      group.close();
    }
  });
  return group;
}

/** Where the version 2 hierarchy is mounted. */
export function unifiedMountPoint(): string {
  const mountPoint = cgroupLayout().hierarchies.find(({ version }) => version === 2)?.mountPoint;
  if (mountPoint === undefined || mountPoint === null) throw new Error('version 2 is not mounted');
  return mountPoint;
}
