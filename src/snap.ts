// Snaps by name, as snapd's sandbox/cgroup has them: the preset of the general engine for its security tags.

import { checkBoolean, checkOptions, checkPid } from './arguments.ts';
import { applicationOf, checkTag, confirmService, type Family, freeze, kill, pidsOf, thaw, track } from './families.ts';

const SNAP: Family = {
  name: 'snap',
  application: "the name of a snap instance: 'foo', or 'foo_key' for one of several",
  tag: "a security tag: 'snap.foo.app', 'snap.foo.hook.install', 'snap.foo+component.hook.install'",
};

/**
 * Tells which snap instance a process belongs to: `foo`, or `foo_key` for one of several.
 *
 * The outermost unit on the path where systemd tracks it says so; on version 1 else its group of the freezer. What a container, or
 * another snap, calls the groups below its own says nothing.
 *
 * @throws {ProcwardError} `NotFound` when there is no such process, or it is of no snap.
 * @example
 * ```ts
 * import { snapNameFromPid } from 'procward/snap';
 *
 * // We are in no snap.
 * console.log(await snapNameFromPid(process.pid).catch(({ kind }) => kind)); // NotFound
 * ```
 */
export function snapNameFromPid(pid: number): Promise<string> {
  return applicationOf(SNAP, checkPid('pid', pid));
}

/**
 * Lists the processes of a snap instance by security tag: those in the groups that systemd tracks it in, and below these. A tag
 * without processes is left out, so that a map of size 0 says that it does not run.
 *
 * A snapshot. Groups that vanish during the walk are left out and hide no other, and those of containers are not looked at.
 *
 * @throws {ProcwardError} `Unsupported` where the hierarchy that systemd tracks with is not mounted.
 * @example
 * ```ts
 * import { pidsOfSnap } from 'procward/snap';
 *
 * const running = await pidsOfSnap('foo'); // Map { 'snap.foo.app' => [ 1234 ], … } where it runs
 * console.log(running.size); // 0
 * ```
 */
export function pidsOfSnap(instanceName: string): Promise<Map<string, number[]>> {
  return pidsOf(SNAP, instanceName);
}

/**
 * Freezes a snap instance, and resolves when the kernel says that every task stands still: on version 2 in all groups that
 * systemd tracks it in, also in those that are made meanwhile, but not in the one that holds this process; on version 1 in its
 * group of the freezer. One that does not run is frozen at once, and what is started of it later runs.
 *
 * On timeout, abort or any error what was changed is undone first. It stays frozen until {@link thawSnapProcesses}, or until this
 * program, or the worker that asked, ends.
 *
 * @throws {ProcwardError} `TimedOut`, with the processes that did not stop; `SelfProtected` when this process is in the freezer's group,
 * on version 1; as `Cgroup.freeze`.
 * @example
 * ```ts
 * import { freezeSnapProcesses, thawSnapProcesses } from 'procward/snap';
 *
 * await freezeSnapProcesses('foo', { timeoutMs: 1000 });
 * try {
 *   // Nothing of it runs now.
 * } finally {
 *   await thawSnapProcesses('foo');
 * }
 * ```
 */
export function freezeSnapProcesses(
  instanceName: string,
  options?: { timeoutMs?: number; signal?: AbortSignal },
): Promise<void> {
  return freeze(SNAP, instanceName, options);
}

/**
 * Thaws a snap instance, whoever froze it, and however often. What a group above it freezes stays frozen.
 *
 * @throws {ProcwardError} `PermissionDenied`, `Unsupported`; the groups that can be thawed are all the same.
 */
export function thawSnapProcesses(instanceName: string): Promise<void> {
  return thaw(SNAP, instanceName);
}

/**
 * SIGKILLs everything of a snap instance, forks included, and what is started of it meanwhile. Resolves when a last look finds
 * nobody.
 *
 * @param options.timeoutMs Default 3000.
 * @throws {ProcwardError} `SelfProtected`, before anybody is killed, when this process is of that snap; `Leftovers`, with the processes
 * that survived; `PermissionDenied`.
 */
export function killSnapProcesses(
  instanceName: string,
  options?: { timeoutMs?: number; signal?: AbortSignal },
): Promise<void> {
  return kill(SNAP, instanceName, options);
}

/**
 * Has systemd move this process into a scope of its own that is called after a security tag. Resolves once /proc shows it there.
 *
 * The manager of the user is asked; root, who may have none, falls back to that of the system.
 *
 * @param options.allowSessionBus Default true. False asks the manager of the system only, as for hooks.
 * @throws {ProcwardError} `TrackingUnavailable` when no manager can be reached, and `CannotTrack` when systemd failed or the process is not
 * where it says: snapd's `ErrCannotTrackProcess`; as `createTransientScope`.
 * @example
 * ```ts
 * import { createTransientScopeForTracking } from 'procward/snap';
 *
 * await createTransientScopeForTracking('snap.foo.hook.configure', { allowSessionBus: false }).catch(({ kind }) => {
 *   if (kind !== 'TrackingUnavailable' && kind !== 'CannotTrack') throw new Error(kind);
 * });
 * ```
 */
export function createTransientScopeForTracking(
  securityTag: string,
  options?: { allowSessionBus?: boolean },
): Promise<void> {
  const { allowSessionBus = true } = checkOptions('options', options, ['allowSessionBus']);
  checkBoolean('options.allowSessionBus', allowSessionBus);
  return track(checkTag(SNAP, securityTag), allowSessionBus);
}

/**
 * Resolves when systemd runs this process as the service of a security tag, `snap.foo.svc.service`, itself or in a group below.
 *
 * @throws {ProcwardError} `CannotTrack` when it is anywhere else, or systemd does not track it.
 */
export function confirmSystemdServiceTracking(securityTag: string): Promise<void> {
  return confirmService(SNAP, securityTag);
}
