// Which control group hierarchies this host has.

import { unwrap } from './errors.ts';
import { mockedVersion } from './mocks.ts';
import { native } from './native.ts';

/** The control group hierarchies of this host. */
export interface CgroupLayout {
  /**
   * `unified`: version 2 alone, or at /sys/fs/cgroup. `hybrid`: version 2 beside version 1. `legacy`: version 1 alone. `none`: neither
   * is mounted where this program can see it.
   */
  readonly mode: 'unified' | 'hybrid' | 'legacy' | 'none';
  /** 2 when unified, 1 when legacy or hybrid, 0 when none. */
  readonly version: 0 | 1 | 2;
  /** Each that /proc/cgroups or a mount tells of. */
  readonly hierarchies: readonly {
    /** As in /proc/<pid>/cgroup; 0 for version 2. */
    readonly id: number;
    readonly version: 1 | 2;
    readonly controllers: readonly string[];
    /** Of a named version 1 hierarchy, like `systemd`. */
    readonly name: string | null;
    /** Null when it is not mounted here. */
    readonly mountPoint: string | null;
    readonly writable: boolean;
  }[];
}

/**
 * Finds the hierarchies by what is really mounted, wherever it is.
 *
 * Kernel: any. Sources: cgroups(7), proc(5) on mountinfo.
 *
 * @returns A snapshot: what is mounted or unmounted later is seen by the next call.
 * @throws {ProcwardError} as `Procfs.readFile`, when /proc cannot be trusted.
 * @example
 * ```ts
 * import { cgroupLayout } from 'procward';
 *
 * const { mode, hierarchies } = cgroupLayout();
 * console.log(mode, hierarchies.map(({ mountPoint }) => mountPoint));
 * ```
 */
export function cgroupLayout(): CgroupLayout {
  const { mode, version, hierarchies } = unwrap(native().cgroupLayout());
  return {
    mode: mode as CgroupLayout['mode'],
    version: version as CgroupLayout['version'],
    hierarchies: hierarchies.map(({ version, name, mountPoint, ...rest }) => ({
      ...rest,
      version: version === 1 ? 1 : 2,
      name: name ?? null,
      mountPoint: mountPoint ?? null,
    })),
  };
}

/**
 * 2 when the layout is unified, 1 when version 1 is there, 0 when nothing is: snapd's `Version`, which asks for the type of
 * /sys/fs/cgroup instead, so that a hierarchy elsewhere counts here.
 *
 * Kernel: any. Source: cgroups(7).
 *
 * @returns The version that leads.
 * @throws {ProcwardError} As {@link cgroupLayout}.
 * @example
 * ```ts
 * import { cgroupVersion } from 'procward';
 *
 * console.log(cgroupVersion()); // …
 * ```
 */
export function cgroupVersion(): 0 | 1 | 2 {
  return mockedVersion()?.reveal() ?? cgroupLayout().version;
}

/**
 * Whether version 2 leads: snapd's `IsUnified`. False when nothing is mounted.
 *
 * Kernel: any. Source: cgroups(7).
 *
 * @returns `cgroupVersion() === 2`.
 * @throws {ProcwardError} As {@link cgroupLayout}.
 * @example
 * ```ts
 * import { cgroupVersion, isUnified } from 'procward';
 *
 * console.log(isUnified() === (cgroupVersion() === 2)); // true
 * ```
 */
export function isUnified(): boolean {
  return (mockedVersion()?.version ?? cgroupVersion()) === 2;
}
