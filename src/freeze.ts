// Freezing control groups, one or many as one, and seeing to it that none stays frozen.

import { isMainThread } from 'node:worker_threads';
import type * as Addon from './addon.d.ts';
import { checkList, checkPid, checkWait } from './arguments.ts';
import type { Cgroup } from './cgroup.ts';
import { perform } from './completions.ts';
import { native } from './native.ts';
import { isProcess, nativeOf, type Process } from './process.ts';

/** What the kernel reports as achieved. */
export type FreezeState = 'thawed' | 'freezing' | 'frozen';

/** How to freeze. */
export interface FreezeOptions {
  /** Default 3000. */
  timeoutMs?: number;
  /** Undoes it, and rejects with an AbortError. */
  signal?: AbortSignal;
  /** Refuse when one of these is in the group or below. */
  protect?: readonly (Process | number)[];
}

/** What {@link Cgroup.freeze} returns: releasing it, or disposing of it, thaws. */
export interface FreezeLease extends AsyncDisposable {
  /** The group; of many the first. */
  readonly group: Cgroup;
  /**
   * Thaws, unless another lease or somebody else keeps the group frozen. A no-op once that worked; one that failed may be
   * repeated, and is at the end of this program.
   *
   * @throws {ProcwardError} `PermissionDenied`; a group that is gone needs no thaw.
   */
  release(): Promise<void>;
}

/** Freezes what the handles hold, as one; `group` is the one that the lease shows. @internal */
export function freezeHandles(
  group: Cgroup,
  handles: Addon.Cgroup[],
  options: FreezeOptions | undefined,
): Promise<FreezeLease> {
  const { timeoutMs, signal, protect = [] } = checkWait(options, ['timeoutMs', 'signal', 'protect']);
  const pids = checkList('options.protect', protect, 'an array of Process or pid', (name, item) =>
    isProcess(item) ? nativeOf(item).pid : checkPid(name, item),
  );
  thawAtExit();
  return perform<Addon.Lease>(
    (environment, id) => native().freezeGroups(environment, id, handles, timeoutMs, pids),
    signal,
  ).then((lease) => toLease(group, lease));
}

let willThaw = false;

/**
 * process.exit() and an uncaught error run no finalizers and stop the background thread wherever it is. The end of the main
 * thread is that of its workers, too; a worker that ends alone leaves the background thread behind, which undoes.
 * @internal
 */
export function thawAtExit(): void {
  if (willThaw || !isMainThread) return;
  willThaw = true;
  process.on('exit', native().thawForGood);
}

function toLease(group: Cgroup, lease: Addon.Lease): FreezeLease {
  const release = () => perform<void>((environment, id) => lease.release(environment, id));
  return { group, release, [Symbol.asyncDispose]: release };
}
