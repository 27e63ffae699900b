// What works on this host, asked of the kernel itself.

import type { FeatureRecord } from './addon.d.ts';
import { native } from './native.ts';

/** Everything that procward can do without, by name. */
export type FeatureName =
  | 'openat2'
  | 'fsopen'
  | 'open_tree'
  | 'statx_mnt_id'
  | 'proc_subset_pid'
  | 'pidfd_open'
  | 'pidfd_send_signal'
  | 'pidfd_waitid'
  | 'pidfd_info'
  | 'pidfd_exit_info'
  | 'pidfd_process_group_signal'
  | 'pidfd_getfd'
  | 'process_mrelease'
  | 'clone3'
  | 'clone_into_cgroup'
  | 'close_range'
  | 'user_namespaces'
  | 'cgroup_v1_freezer'
  | 'cgroup_v2'
  | 'cgroup_v2_freeze'
  | 'cgroup_v2_kill'
  | 'cgroup_v2_write'
  | 'systemd_system'
  | 'systemd_user';

/** What is known of one feature. */
export interface FeatureReport {
  /** `degraded`: something weaker is used instead. `no`: what needs it is refused. */
  readonly status: 'yes' | 'degraded' | 'no';
  /** Kernel (or systemd) release that brought it, like `5.6`. */
  readonly since: string;
  /** What was observed: errno of the probe, the missing file, the mount option. Absent when `yes`. */
  readonly reason?: string;
  /** What is used instead and what is lost by it. Absent when `yes`. */
  readonly fallback?: string;
  /** What the user can do about it. Absent when `yes`. */
  readonly fix?: string;
}

/**
 * Reports every feature, from real probes: never from the version of the kernel, and a passing shortage (no descriptors
 * left, say) is never taken for absence.
 *
 * The probes of system calls are made once and remembered; files and managers are looked for on each call. It creates
 * nothing that stays and takes well under a millisecond when repeated.
 *
 * Kernel: any. Sources: the manual page of each call.
 *
 * @returns A report for each name.
 * @throws {ProcwardError} kind `Unsupported` where {@link isSupported} is false.
 * @example
 * ```ts
 * import { features } from 'procward';
 *
 * const { status, reason, fix } = features().cgroup_v2_kill;
 * console.log(status); // …
 * if (status !== 'yes') console.warn(`no cgroup.kill: ${reason}; ${fix}`);
 * ```
 */
export function features(): Record<FeatureName, FeatureReport> {
  const rows = native().features();
  return Object.fromEntries(rows.map(({ name, ...row }) => [name, toReport(row)])) as Record<
    FeatureName,
    FeatureReport
  >;
}

function toReport(row: Omit<FeatureRecord, 'name'>): FeatureReport {
  const told = Object.entries(row).filter(([, value]) => value !== undefined);
  return Object.fromEntries(told) as unknown as FeatureReport;
}
