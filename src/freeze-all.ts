// Freezing many groups as one.

import { invalid } from './arguments.ts';
import { type Cgroup, handleOf, isCgroup } from './cgroup.ts';
import { type FreezeLease, type FreezeOptions, freezeHandles } from './freeze.ts';

/**
 * Freezes many groups as one, of either version: asks all of them, then waits for all. All are frozen, or none is changed.
 *
 * Kernel: as {@link Cgroup.freeze}.
 *
 * Sources: the kernel's cgroup-v2 and freezer documents.
 *
 * @param groups One at least; the same one may be given twice.
 * @param options As for {@link Cgroup.freeze}: one deadline and one AbortSignal for all, and either undoes all of it.
 * @returns One lease, which thaws all of them.
 * @throws {ProcwardError} as {@link Cgroup.freeze}, for the first group that has a reason.
 * @example
 * ```ts
 * // needs: freeze2
 * import { Cgroup, freezeAll, spawn } from 'procward';
 *
 * const groups = ['builds', 'tests'].map((name) => Cgroup.create(`/${name}-${process.pid}`));
 * for (const cgroup of groups) await spawn('sleep', ['1000'], { cgroup, stdio: 'ignore' });
 * const lease = await freezeAll(groups);
 * console.log(groups.map((group) => group.freezeState().state)); // [ 'frozen', 'frozen' ]
 * await lease.release();
 * for (const group of groups) {
 *   await group.kill();
 *   await group.remove();
 * }
 * ```
 */
export function freezeAll(groups: Iterable<Cgroup>, options?: FreezeOptions): Promise<FreezeLease> {
  const expected = 'an iterable of Cgroup, with one at least';
  const list: Cgroup[] = [];
  if (typeof groups?.[Symbol.iterator] !== 'function') throw invalid('groups', groups, expected);
  for (const group of groups) {
    if (!isCgroup(group)) throw invalid(`groups[${list.length}]`, group, 'a Cgroup');
    list.push(group);
  }
  const [first] = list;
  if (first === undefined) throw invalid('groups', groups, expected);
  return freezeHandles(first, list.map(handleOf), options);
}
