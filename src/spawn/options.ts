// What can be said about how a program is started.

import type { Cgroup } from '../cgroup.ts';
import type { ResourceLimit, ResourceName } from '../limits.ts';
import type { Process } from '../process.ts';
import type { SignalName } from '../signals.ts';

/** The step of a spawn that failed, in the order in which a child goes through them. */
export type SpawnStage =
  | 'clone'
  | 'id-map'
  | 'session'
  | 'process-group'
  | 'terminal'
  | 'signals'
  | 'unshare'
  | 'mounts'
  | 'root'
  | 'resource-limits'
  | 'scheduling'
  | 'oom-score'
  | 'cgroup'
  | 'groups'
  | 'gid'
  | 'uid'
  | 'capabilities'
  | 'cwd'
  | 'parent-death-signal'
  | 'no-new-privileges'
  | 'seccomp'
  | 'landlock'
  | 'descriptors'
  | 'exec';

/**
 * What a child's descriptor is: a new pipe, /dev/null, ours of the same number, or one of ours by number.
 */
export type StdioOption = 'pipe' | 'ignore' | 'inherit' | number | { readonly fd: number };

/** A kind of namespace. Source: namespaces(7). */
export type NamespaceName = 'user' | 'pid' | 'mount' | 'network' | 'ipc' | 'uts' | 'cgroup' | 'time';

/** A range of ids in a new user namespace that stands for one outside of it. Source: user_namespaces(7). */
export interface IdMap {
  /** The first id inside. */
  readonly containerId: number;
  /** The first id outside. */
  readonly hostId: number;
  /** How many. */
  readonly size: number;
}

/** How to start a program; see {@link spawn}. */
export interface SpawnOptions {
  /** Default: ours, or `/` with `root`. Looked up below `root` and with the credentials of the child. */
  cwd?: string | URL;
  /** Default `process.env`, as it is at the call. Entries that are undefined are left out. */
  env?: Readonly<Record<string, string | undefined>>;
  /** What the program sees as its own name. Default: `file`. */
  argv0?: string;
  /**
   * Child descriptors 0, 1, 2, …; everything else is closed. Default `'pipe'` for 0–2. A pipe above 2 is a socket, for both
   * directions.
   */
  stdio?: StdioOption | readonly StdioOption[];
  /**
   * Kills with `killSignal` when aborted; the promise of `wait()` still reports the true exit. A child of `spawn` is killed once
   * it has come to its program, which it does not while its group is frozen; `run` does not wait for that.
   */
  signal?: AbortSignal;
  /** Default SIGTERM. */
  killSignal?: SignalName | number;
  /** Kills with `killSignal` after this many milliseconds: of `spawn` since the program was executed. Default: never. */
  timeoutMs?: number;

  /** A session of its own, without a terminal: setsid(2). Default false. */
  session?: boolean;
  /** A process group of its own (`'new'`), or an existing one: setpgid(2). Default: ours. */
  processGroup?: 'new' | number;
  /** The child's descriptor (its place in `stdio`) that becomes its controlling terminal: TIOCSCTTY. Needs `session`. */
  controllingTerminal?: number;
  /**
   * Our descriptor of a terminal whose foreground the child comes to, in a process group of its own: tcsetpgrp(3). We are in
   * the background from then on; whoever wants the terminal back takes it when the child has ended.
   */
  foreground?: number;
  /** Gives up the controlling terminal, which must be its descriptor 0: TIOCNOTTY. Default false. */
  detachTerminal?: boolean;

  /**
   * Other ids; `groups` are the supplementary groups, `'keep'` ours. Default: ours; with credentials, no groups, except in a
   * user namespace where groups cannot be changed.
   */
  credentials?: { readonly uid: number; readonly gid: number; readonly groups?: readonly number[] | 'keep' };
  /**
   * Capabilities that it keeps although it is not root, and passes on, as capabilities(7) names them: `'net_bind_service'`.
   * All others are dropped. Needs them in our permitted set.
   */
  ambientCapabilities?: readonly string[];
  /** Capabilities that no program it executes can gain: those are taken from the bounding set. Ambient ones stay. */
  dropCapabilities?: readonly string[] | 'all';
  /** execve(2) grants nothing any more: prctl(PR_SET_NO_NEW_PRIVS). Default false. */
  noNewPrivileges?: boolean;
  /** A landlock ruleset descriptor to enter before exec. Needs `noNewPrivileges` or CAP_SYS_ADMIN. Kernel 5.13. */
  landlock?: number;
  /**
   * A compiled classic-BPF seccomp filter, as the kernel takes it: eight bytes an instruction. It must let execve pass. Needs
   * `noNewPrivileges` or CAP_SYS_ADMIN.
   */
  seccomp?: Uint8Array;

  /** chroot(2). cwd becomes `/` in it unless given, so that nothing outside is left within reach. Needs CAP_SYS_CHROOT. */
  root?: string;
  /**
   * New namespaces from birth. With `'user'` no privilege is needed for the others. `'time'` begins with the program;
   * before Linux 6.2 only with that program's own children, and it can neither start threads nor use vfork(2). Mounts made in a
   * new mount namespace stay in it.
   */
  namespaces?: readonly NamespaceName[];
  /** New namespaces on the way to the program, after session and terminal. That of pids is for its own children. */
  unshare?: readonly NamespaceName[];
  /** Enters namespaces of another process: setns(2) with its pidfd, kernel 5.8. That of pids is for its own children. */
  enterNamespacesOf?: { readonly process: Process; readonly namespaces: readonly NamespaceName[] };
  /**
   * The ids of the new user namespace, which `namespaces` or `unshare` must have. Born in it, it gets what we may give: any
   * ids as root, else our own user and group, with `setgroups` false. Unshared, it can map its own ids only.
   */
  userNamespace?: {
    readonly uidMap: readonly IdMap[];
    readonly gidMap: readonly IdMap[];
    readonly setgroups?: boolean;
  };

  /**
   * Born inside it, no window outside: a Cgroup, its path, or a directory descriptor. Several for groups of several hierarchies,
   * of which one may be of version 2: groups of version 1 it joins before it runs the program.
   */
  cgroup?: Cgroup | string | number | readonly (Cgroup | string | number)[];
  /** Limits by resource. What is not given, of a limit too, is as ours. Source: getrlimit(2). */
  resourceLimits?: Readonly<Partial<Record<ResourceName, Partial<ResourceLimit>>>>;
  /** File mode creation mask. Default: ours. */
  umask?: number;
  /** -20 (first) to 19 (last). Below ours it needs CAP_SYS_NICE. Source: setpriority(2). */
  niceness?: number;
  /** Numbers of the processors it may run on. Default: ours. Source: sched_setaffinity(2). */
  cpuAffinity?: readonly number[];
  /**
   * -1000 (never) to 1000 (first) for the out-of-memory killer; below ours it needs CAP_SYS_RESOURCE. This thread is held
   * until the program is executed, some 200 µs; together with `cgroup` or `userNamespace` for as long as fork(2) takes at
   * the size of this program. Without that the kernel would give the score to this program, too. Source: proc(5).
   */
  oomScoreAdjust?: number;

  /**
   * Sent when the spawning thread ends (for the main thread: when this process ends, SIGKILL included). In a worker that is
   * when the worker ends. A program with set-user-ID or file capabilities does not get it.
   */
  parentDeathSignal?: SignalName | number;
  /** Signals left ignored in the child. Default none: Node's own ignored SIGPIPE does not leak. */
  ignoredSignals?: readonly SignalName[];
}

/** The names of all of them: a misspelt one must not be ignored. @internal */
export const SPAWN_OPTIONS = [
  'cwd',
  'env',
  'argv0',
  'stdio',
  'signal',
  'killSignal',
  'timeoutMs',
  'session',
  'processGroup',
  'controllingTerminal',
  'foreground',
  'detachTerminal',
  'credentials',
  'ambientCapabilities',
  'dropCapabilities',
  'noNewPrivileges',
  'landlock',
  'seccomp',
  'root',
  'namespaces',
  'unshare',
  'enterNamespacesOf',
  'userNamespace',
  'cgroup',
  'resourceLimits',
  'umask',
  'niceness',
  'cpuAffinity',
  'oomScoreAdjust',
  'parentDeathSignal',
  'ignoredSignals',
] as const satisfies readonly (keyof SpawnOptions)[];
