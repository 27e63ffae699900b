// The flags of clone(2) by their names.

/**
 * Every `CLONE_*` flag by its kernel name, for reading what others print and for other libraries. {@link spawn} takes names of
 * namespaces instead, and chooses the rest itself. A bigint each: some do not fit into what `|` of numbers can hold.
 *
 * Sources: clone(2), include/uapi/linux/sched.h.
 *
 * @example
 * ```ts
 * import { cloneFlags } from 'procward';
 *
 * const { CLONE_NEWUSER = 0n, CLONE_NEWPID = 0n } = cloneFlags;
 * console.log((CLONE_NEWUSER | CLONE_NEWPID).toString(16)); // 30000000
 * ```
 */
export const cloneFlags: Readonly<Record<string, bigint>> = Object.freeze({
  CLONE_NEWTIME: 0x80n,
  CLONE_VM: 0x100n,
  CLONE_FS: 0x200n,
  CLONE_FILES: 0x400n,
  CLONE_SIGHAND: 0x800n,
  CLONE_PIDFD: 0x1000n,
  CLONE_PTRACE: 0x2000n,
  CLONE_VFORK: 0x4000n,
  CLONE_PARENT: 0x8000n,
  CLONE_THREAD: 0x1_0000n,
  CLONE_NEWNS: 0x2_0000n,
  CLONE_SYSVSEM: 0x4_0000n,
  CLONE_SETTLS: 0x8_0000n,
  CLONE_PARENT_SETTID: 0x10_0000n,
  CLONE_CHILD_CLEARTID: 0x20_0000n,
  CLONE_DETACHED: 0x40_0000n,
  CLONE_UNTRACED: 0x80_0000n,
  CLONE_CHILD_SETTID: 0x100_0000n,
  CLONE_NEWCGROUP: 0x200_0000n,
  CLONE_NEWUTS: 0x400_0000n,
  CLONE_NEWIPC: 0x800_0000n,
  CLONE_NEWUSER: 0x1000_0000n,
  CLONE_NEWPID: 0x2000_0000n,
  CLONE_NEWNET: 0x4000_0000n,
  CLONE_IO: 0x8000_0000n,
  CLONE_CLEAR_SIGHAND: 0x1_0000_0000n,
  CLONE_INTO_CGROUP: 0x2_0000_0000n,
  CLONE_AUTOREAP: 0x4_0000_0000n,
  CLONE_NNP: 0x8_0000_0000n,
  CLONE_PIDFD_AUTOKILL: 0x10_0000_0000n,
  CLONE_EMPTY_MNTNS: 0x20_0000_0000n,
});
