// How the exit of a process that is not ours is told here, which depends on the kernel.

import type { ExecutionContext } from 'ava';
import { type Exit, features } from 'procward';

/** Whether the kernel tells everybody how a process ended, once it was reaped. */
export const exitsAreTold = features().pidfd_exit_info.status === 'yes';

/**
 * A stranger's exit is the true one. Where only its zombie tells, nobody can tell once that was reaped; but then nobody
 * says anything else either.
 */
export function isTrueExit(t: ExecutionContext, exit: Exit | null, expected: Partial<Exit>): void {
  if (exitsAreTold || exit?.type !== 'unknown') t.like(exit, { usage: null, ...expected });
  else t.deepEqual(exit, { type: 'unknown' });
}
