// Which processes a listing is about.

import { Refusal } from './failure.ts';
import { listProcesses, membersOf, type ProcessRow, withDescendants } from './processes.ts';
import { withProgress } from './progress.ts';
import { openGroup, openProcess, type Target } from './target.ts';

/** All processes, or those of the targets: a process, with its descendants where that is asked for; a group, with those below. */
export async function select(targets: readonly Target[], withTheirs: boolean): Promise<ProcessRow[]> {
  const rows = await withProgress('reading /proc', listProcesses());
  if (targets.length === 0) return rows;
  const chosen = new Map<number, ProcessRow>();
  for (const target of targets) {
    for (const row of await selectOne(rows, target, withTheirs)) {
      if (!chosen.get(row.pid)?.reparented) chosen.set(row.pid, row);
    }
  }
  return [...chosen.values()].sort((one, other) => one.pid - other.pid);
}

async function selectOne(rows: readonly ProcessRow[], target: Target, withTheirs: boolean): Promise<ProcessRow[]> {
  if (target.type === 'group') {
    using group = openGroup(target);
    return membersOf(rows, await group.pids({ recursive: true }));
  }
  // Says what is wrong: there is no such process, or it is another one by now.
  using held = openProcess(target);
  const found = rows.filter(({ pid, startTime }) => pid === held.pid && startTime === held.identity.startTime);
  if (found.length === 0) throw new Refusal(`process ${target.text} ended while /proc was read`);
  return withTheirs ? withDescendants(rows, target.pid) : found;
}
