import { ChildProcess } from 'node:child_process';
import { Duplex, Readable, Writable } from 'node:stream';

/** A signal by name: Node's names, and the real-time signals as `SIGRTMIN+1`, `SIGRTMAX-1`. */
export type SignalName = NodeJS.Signals | `SIGRTMIN+${number}` | `SIGRTMAX-${number}`;
/** What a child used, itself and its own reaped children. Source: getrusage(2). */
export interface ResourceUsage {
	/** Time in user mode. */
	readonly userMs: number;
	/** Time in the kernel. */
	readonly systemMs: number;
	/** The largest resident set. Not below ours at the start: the mark of the memory it was born in is kept by execve(2). */
	readonly maxRssBytes: number;
	/** Page faults that needed no reading from disk. */
	readonly minorFaults: number;
	/** Page faults that waited for a disk. */
	readonly majorFaults: number;
	/** Times that a file system had to read. */
	readonly blockInputs: number;
	/** Times that a file system had to write. */
	readonly blockOutputs: number;
	/** Times that it waited. */
	readonly voluntarySwitches: number;
	/** Times that it was made to wait. */
	readonly involuntarySwitches: number;
}
/** How a process ended. `usage` is null unless we reaped it; `raw` is the status word of wait4(2). */
export type Exit = {
	readonly type: "exited";
	readonly code: number;
	readonly raw: number;
	readonly usage: ResourceUsage | null;
} | {
	readonly type: "signaled";
	readonly signal: SignalName;
	readonly coreDumped: boolean;
	readonly raw: number;
	readonly usage: ResourceUsage | null;
}
/** It is gone, and this kernel does not tell a non-parent how (before 6.15). */
 | {
	readonly type: "unknown";
};
/** What a status word says. */
export type WaitStatus = {
	readonly type: "exited";
	readonly code: number;
} | {
	readonly type: "signaled";
	readonly signal: SignalName;
	readonly coreDumped: boolean;
}
/** `trapCause` is the ptrace event when a tracer's trap stopped it, else null. */
 | {
	readonly type: "stopped";
	readonly signal: SignalName;
	readonly trapCause: number | null;
} | {
	readonly type: "continued";
};
/**
 * Decodes a wait status word, as the macros of wait(2) and Go's `WaitStatus` do.
 *
 * Source: wait(2).
 *
 * @param raw The status word, as {@link Exit} has it in `raw`.
 * @returns How it ended, or what stopped or continued it.
 * @throws {ProcwardError} kind `InvalidArgument` unless `raw` is a 32-bit integer.
 * @example
 * ```ts
 * import { decodeWaitStatus } from 'procward';
 *
 * console.log(decodeWaitStatus(0x0700)); // { type: 'exited', code: 7 }
 * ```
 */
export declare function decodeWaitStatus(raw: number): WaitStatus;
/** A resource as getrlimit(2) names it, without `RLIMIT_`. */
export type ResourceName = "as" | "core" | "cpu" | "data" | "fsize" | "locks" | "memlock" | "msgqueue" | "nice" | "nofile" | "nproc" | "rss" | "rtprio" | "rttime" | "sigpending" | "stack";
/** How much of a resource a process may use, in the unit of getrlimit(2): bytes, seconds, or a count. */
export interface ResourceLimit {
	/** The limit in force. */
	readonly soft: bigint | "infinity";
	/** How far it may be raised without privilege. */
	readonly hard: bigint | "infinity";
}
/**
 * A limit of this process.
 *
 * Node raises the soft limit of `nofile` to the hard one when it starts, and what it starts inherits that.
 *
 * Kernel: 2.6.36. Source: prlimit(2).
 *
 * @param resource As getrlimit(2) names it, without `RLIMIT_`.
 * @returns The soft and the hard limit, in the unit of getrlimit(2).
 * @throws {ProcwardError} `InvalidArgument` for a name that is none.
 * @example
 * ```ts
 * import { getResourceLimit } from 'procward';
 *
 * const { soft, hard } = getResourceLimit('nofile');
 * console.log(`${soft} descriptors, at most ${hard}`);
 * ```
 */
export declare function getResourceLimit(resource: ResourceName): ResourceLimit;
/**
 * Changes a limit of this process, for all its threads. What is left out stays.
 *
 * Kernel: 2.6.36. Source: prlimit(2).
 *
 * @param resource As getrlimit(2) names it, without `RLIMIT_`.
 * @param limit The soft limit, the hard one, or both.
 * @returns The limit in force afterwards.
 * @throws {ProcwardError} `PermissionDenied` when the hard limit is to be raised without CAP_SYS_RESOURCE; `InvalidArgument`
 * when the soft limit would be above the hard one.
 * @example
 * ```ts
 * import { setResourceLimit } from 'procward';
 *
 * console.log(setResourceLimit('core', { soft: 0n }).soft); // 0n
 * ```
 */
export declare function setResourceLimit(resource: ResourceName, limit: Partial<ResourceLimit>): ResourceLimit;
/** How to open a file of procfs; see `Procfs.open`. */
export interface ProcOpenOptions {
	/**
	 * `'r'` (default), `'w'` (write only; nothing in /proc is created or truncated), `'r+'`, or a numeric `O_*` mask.
	 * `O_CREAT`, `O_EXCL` and `O_TMPFILE` are refused.
	 */
	flags?: "r" | "w" | "r+" | number;
	/** Refuse what is no directory. Default false. */
	directory?: boolean;
	/** Return a handle to the path itself (`O_PATH`). Default false. */
	pathOnly?: boolean;
	/** Follow a magic link in the last component (`exe`, `cwd`, `fd/N`, `ns/*`). Default false. */
	follow?: boolean;
}
/**
 * An open file of procfs, verified to be the one that was asked for. Its descriptor is close-on-exec.
 *
 * Kernel: as {@link Procfs}. Sources: proc(5), openat2(2).
 *
 * @example
 * ```ts
 * import { procfs } from 'procward';
 *
 * using file = await procfs().openSelf('status');
 * console.log((await file.text()).split('\n')[0]); // Name: …
 * ```
 */
export declare class ProcFile implements Disposable {
	#private;
	/** The descriptor, for passing on; it stays owned by this handle. */
	get fd(): number;
	/**
	 * Reads once into a buffer.
	 *
	 * @param position Where to read; default from where the last read ended.
	 * @param buffer Filled from its start.
	 * @returns How many bytes were read; 0 at the end.
	 * @throws {ProcwardError} `Gone` when the process of the file was reaped; `InvalidArgument` and `Os` as the file
	 * answers; `InvalidArgument`, too, when the buffer was transferred or shrunk meanwhile.
	 */
	read(buffer: Uint8Array, position?: number): Promise<number>;
	/**
	 * Reads from where the last read ended to the end.
	 *
	 * @returns All of it, a copy.
	 * @throws {ProcwardError} As {@link ProcFile.read}.
	 */
	bytes(): Promise<Buffer>;
	/**
	 * {@link ProcFile.bytes} as UTF-8.
	 *
	 * @returns What could not be decoded is U+FFFD.
	 * @throws {ProcwardError} As {@link ProcFile.read}.
	 */
	text(): Promise<string>;
	/**
	 * One write(2), since files of procfs take a value whole or not at all.
	 *
	 * @param data Text is encoded as UTF-8.
	 * @returns How many bytes were taken.
	 * @throws {ProcwardError} `InvalidArgument` when the kernel refuses the value; `PermissionDenied`; `Gone`.
	 */
	write(data: string | Uint8Array): Promise<number>;
	/**
	 * Which file it is. `mountId` is null where the kernel does not tell (before 5.8).
	 *
	 * @returns Numbers as statx(2) gives them; `mode` with the type.
	 * @throws {ProcwardError} `Closed`.
	 */
	stat(): {
		readonly dev: bigint;
		readonly ino: bigint;
		readonly mode: number;
		readonly mountId: bigint | null;
	};
	/** Closes the file; a no-op when repeated. Reads and writes under way finish first. */
	close(): void;
	/** {@link ProcFile.close}, for `using`. */
	[Symbol.dispose](): void;
}
/** Survives JSON; tells one process from every other since boot, and across boots. */
export interface ProcessIdentity {
	/** /proc/sys/kernel/random/boot_id. */
	readonly bootId: string;
	/** In the pid namespace of whoever asked. */
	readonly pid: number;
	/** Clock ticks since boot, field 22 of /proc/<pid>/stat, as a decimal string. */
	readonly startTime: string;
	/** pidfs inode, decimal string; null before 6.9. */
	readonly inode: string | null;
}
/** The four ids of a process, as credentials(7) names them. */
export interface IdSet {
	/** Who it is. */
	readonly real: number;
	/** Whose rights it has. */
	readonly effective: number;
	/** Whose rights it may take again. */
	readonly saved: number;
	/** Whose files it may open; as a rule the effective one. */
	readonly filesystem: number;
}
/** What the kernel tells about a process in one call. */
export interface ProcessInfo {
	/** Its id. */
	readonly pid: number;
	/** Its parent's; 0 when that is outside our pid namespace. */
	readonly ppid: number;
	/** Its id as a thread group: `pid`, but for the handle of a thread. */
	readonly tgid: number;
	/** Its users. */
	readonly uid: IdSet;
	/** Its groups, without the supplementary ones. */
	readonly gid: IdSet;
	/** Inode of its version 2 control group; null where the kernel does not tell (before 6.13). */
	readonly cgroupId: bigint | null;
}
/** Whom a signal reaches; see {@link Process.signal}. */
export type SignalScope = "process" | "thread" | "group";
/**
 * One particular process, held by a pidfd. A recycled pid is an error, never a guess.
 *
 * Closing a handle, or disposing of it, never ends the process.
 *
 * Kernel: 5.3 for pidfds; from 6.15 the exit of any process, not only of children, is known. Without `pidfd_open` (an older
 * kernel, a seccomp filter) the process is held by its directory in /proc, which fails when the process was reaped instead of
 * changing owner: signals and files are as safe, `pidfd` is -1, and waiting for a process that is not our child looks again
 * every 50 ms and mostly misses how it ended. `features().pidfd_open` says which it is.
 *
 * Sources: pidfd_open(2), pidfd_send_signal(2), waitid(2).
 *
 * @example
 * ```ts
 * import { spawn } from 'node:child_process';
 * import { Process } from 'procward';
 *
 * const sleeper = spawn('sleep', ['1000']);
 * const handle = Process.open(sleeper.pid!);
 * handle.signal('SIGKILL'); // this process or none
 * console.log(await handle.wait()); // { type: 'signaled', signal: 'SIGKILL', … }
 * handle.close();
 * ```
 */
export declare class Process implements Disposable {
	#private;
	/** The id it has, or had: a pid may be given to another process once this one was reaped. */
	readonly pid: number;
	/**
	 * Opens a handle for the process that has this pid now.
	 *
	 * Where the pid came from somewhere else than the kernel just now (a file, another program), use
	 * {@link Process.fromIdentity}: the pid may have been given away in between.
	 *
	 * @param options.thread Open a handle for one thread; `pid` is then a thread id. Kernel 6.9.
	 * @param pid As our pid namespace numbers it.
	 * @returns A handle; close it, or let `using` do it.
	 * @throws {ProcwardError} `NotFound` when there is no such process; `InvalidArgument` for the id of a thread, unless
	 * asked for; `Unsupported` for a thread where pidfd_open is missing or filtered.
	 */
	static open(pid: number, options?: {
		thread?: boolean;
	}): Process;
	/**
	 * A handle for this process.
	 *
	 * @returns A handle; ending it does not end us.
	 * @throws {ProcwardError} `Os` (EMFILE) when no descriptor is left.
	 */
	static self(): Process;
	/**
	 * Finds the same process again, in this or in another program.
	 *
	 * Kernel: 6.17 finds it by its inode, so that nothing can come between; 6.9 by its pid, and compares inodes; before that
	 * start times, which two processes with one pid share only when both were started within 10 ms.
	 *
	 * @param identity What {@link Process.identity} gave, also when it has been through JSON.
	 * @returns A handle of that very process.
	 * @throws {ProcwardError} `Gone` when it ended and was reaped, also when its pid was given to another process or the host was
	 * booted.
	 * @example
	 * ```ts
	 * import { Process } from 'procward';
	 *
	 * const saved = JSON.stringify(Process.self().identity);
	 * // Later, perhaps in another program:
	 * using same = Process.fromIdentity(JSON.parse(saved));
	 * console.log(same.alive);
	 * ```
	 */
	static fromIdentity(identity: ProcessIdentity): Process;
	/** The descriptor, for passing on; it stays owned by this handle. -1 where pidfds are unavailable. */
	get pidfd(): number;
	/**
	 * What tells it from every other process. Read when first asked for.
	 * @throws {ProcwardError} `Gone` when it was reaped before that.
	 */
	get identity(): ProcessIdentity;
	/** Whether it still runs. A zombie, which has ended and waits for its parent, does not. */
	get alive(): boolean;
	/**
	 * Sends a signal to this process and no other.
	 *
	 * Kernel: 5.1; below, or where a filter takes the call away, it is sent by pid right after a look whether the process still
	 * exists: as safe for a child of ours, for others with a moment in between.
	 *
	 * @param signal Name or number; 0 checks permission only. Default SIGTERM.
	 * @param options.scope `process` (default), the one `thread` of a thread handle, or the process `group` that it leads.
	 * Kernel 6.9 for the last two.
	 * @throws {ProcwardError} `Gone` (ESRCH) once it has exited and been reaped; `PermissionDenied`; `InvalidArgument`.
	 */
	signal(signal?: SignalName | number, options?: {
		scope?: SignalScope;
	}): void;
	/**
	 * Resolves when it exits: child or not, event-driven, never polled. May be called any number of times, also after the exit.
	 *
	 * For a process that is not our child, this is when its parent reaps it: only then is the exit known. A handle keeps the
	 * program running while somebody waits, unless {@link Process.unref} was called.
	 *
	 * @param options.signal Ends the waiting, not the process: rejects with an AbortError.
	 * @returns How it ended; `{ type: 'unknown' }` where the kernel does not tell (not our child, before 6.15).
	 * @throws {ProcwardError} Rejects when waiting itself fails; `Closed` at once for a handle that was closed.
	 */
	wait(options?: {
		signal?: AbortSignal;
	}): Promise<Exit>;
	/**
	 * Waits on this thread.
	 *
	 * @param options.timeoutMs Default: for ever.
	 * @returns How it ended, or null when the time passed.
	 * @throws {ProcwardError} `Closed`.
	 */
	waitSync(options?: {
		timeoutMs?: number;
	}): Exit | null;
	/**
	 * Ids, credentials and control group in one race-free call.
	 *
	 * Kernel: 6.13; below, /proc/<pid>/status of this very process, without `cgroupId`.
	 *
	 * @returns Numbers as our pid and user namespaces show them.
	 * @throws {ProcwardError} `Gone` once it was reaped.
	 */
	info(): ProcessInfo;
	/**
	 * Reads a file of /proc/<pid> of this very process, through the safe procfs.
	 *
	 * @param path Below /proc/<pid>: `status`, `ns/net`.
	 * @returns The whole content.
	 * @throws {ProcwardError} `Gone` if it ended, even if the pid was reused; else as `Procfs.readFile`.
	 */
	readFile(path: string): Promise<Buffer>;
	/**
	 * The same as text.
	 *
	 * @param path Below /proc/<pid>: `status`, `ns/net`.
	 * @param encoding Of the text.
	 * @returns The whole content; what could not be decoded is U+FFFD.
	 * @throws {ProcwardError} as the other form.
	 */
	readFile(path: string, encoding: BufferEncoding): Promise<string>;
	/** {@link Process.readFile}, at once. */
	readFileSync(path: string, encoding: BufferEncoding): string;
	/**
	 * Where a link of /proc/<pid> of this very process points, without following it.
	 *
	 * @param path Below /proc/<pid>: `exe`, `cwd`, `fd/0`.
	 * @returns The target as the kernel writes it.
	 * @throws {ProcwardError} `Gone` if it ended; else as `Procfs.readlink`.
	 */
	readlink(path: string): Promise<string>;
	/**
	 * Opens a file of /proc/<pid> of this very process.
	 *
	 * @param path Below /proc/<pid>.
	 * @param options As for {@link Procfs.open}.
	 * @returns The open file, which outlives this handle.
	 * @throws {ProcwardError} `Gone` if it ended; else as {@link Procfs.open}.
	 */
	open(path: string, options?: ProcOpenOptions): Promise<ProcFile>;
	/**
	 * Duplicates one of its descriptors into this program: the same open file, pipe or socket, close-on-exec.
	 *
	 * Kernel 5.6. Source: pidfd_getfd(2).
	 *
	 * @param targetFd Its number over there.
	 * @returns A descriptor of ours. The caller closes it, with `fs.closeSync` for one.
	 * @throws {ProcwardError} `NotFound` (EBADF) when it has no such descriptor; `PermissionDenied` unless we could attach to it as
	 * a tracer; `Gone`; `Unsupported`.
	 * @example
	 * ```ts
	 * import { closeSync, fstatSync } from 'node:fs';
	 * import { Process } from 'procward';
	 *
	 * using self = Process.self();
	 * const copy = self.duplicateFd(1);
	 * console.log(fstatSync(copy).ino === fstatSync(1).ino);
	 * closeSync(copy);
	 * ```
	 */
	duplicateFd(targetFd: number): number;
	/**
	 * Gives the memory of a dying process back now, instead of when it gets to it: for one that was sent SIGKILL and holds much.
	 * Nothing is left to do for one that has exited.
	 *
	 * Kernel 5.15. Source: process_mrelease(2).
	 *
	 * @throws {ProcwardError} `Busy` (EINVAL) when it is not dying; `Gone` once it was reaped; `PermissionDenied`; `Unsupported`.
	 */
	releaseMemory(): void;
	/**
	 * One of its resource limits.
	 *
	 * Kernel 2.6.36, which knows the process by pid only: it must exist before and after, or the answer is `Gone`.
	 * Source: prlimit(2).
	 *
	 * @param resource As getrlimit(2) names it, without `RLIMIT_`.
	 * @returns The soft and the hard limit, in the unit of getrlimit(2).
	 * @throws {ProcwardError} `Gone`; `PermissionDenied` unless all its ids are ours or we have CAP_SYS_RESOURCE.
	 * @example
	 * ```ts
	 * import { Process, spawn } from 'procward';
	 *
	 * const child = await spawn('sleep', ['1000']);
	 * const { hard } = child.setResourceLimit('nofile', { soft: 64n });
	 * console.log(child.getResourceLimit('nofile').soft, hard); // 64n …
	 * child.signal('SIGKILL');
	 * ```
	 */
	getResourceLimit(resource: ResourceName): ResourceLimit;
	/**
	 * Changes one of its resource limits while it runs. What is left out stays. A child of ours cannot be missed; anybody else
	 * might end, be reaped and give its pid away in the moment between the look and the change, which then answers `Gone`.
	 *
	 * @param resource As getrlimit(2) names it, without `RLIMIT_`.
	 * @param limit The soft limit, the hard one, or both.
	 * @returns The limit in force afterwards.
	 * @throws {ProcwardError} As {@link Process.getResourceLimit}; `PermissionDenied` also when the hard limit is to be raised
	 * without CAP_SYS_RESOURCE; `InvalidArgument` when the soft limit would be above the hard one.
	 */
	setResourceLimit(resource: ResourceName, limit: Partial<ResourceLimit>): ResourceLimit;
	/** Lets waiting for it keep the program running, as it does at first. */
	ref(): this;
	/** Lets the program end although somebody waits for it. */
	unref(): this;
	/** Closes the handle, never the process. What waits for it goes on waiting. A no-op when repeated. */
	close(): void;
	/** {@link Process.close}, for `using`. */
	[Symbol.dispose](): void;
}
/** What the kernel reports as achieved. */
export type FreezeState = "thawed" | "freezing" | "frozen";
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
/**
 * Something that happened to a control group or below it; see {@link Cgroup.watch}.
 *
 * - `populated`, `empty`: the first live process came, the last one went. Zombies do not count.
 * - `frozen`, `thawed`: the kernel counts every task as stopped, or no more.
 * - `removed`: the last event of all.
 * - `oom`: memory was short within the limit. `oom-kill`: a process was ended for it. `memory-max`: the limit was about to be
 *   exceeded. `pids-max`: a fork was refused. `count` is how often that has happened, not how often since the last event.
 */
export type CgroupEvent = {
	readonly type: "populated" | "empty" | "frozen" | "thawed" | "removed";
} | {
	readonly type: "oom" | "oom-kill" | "memory-max" | "pids-max";
	readonly count: bigint;
};
/** The limits of a control group; see {@link Cgroup.limits}. `'max'` is no limit of its own. */
export interface CgroupLimits {
	/** Memory, page cache included; a process is ended when it cannot be kept. `memory.max`, or `memory.limit_in_bytes`. */
	memoryMaxBytes: bigint | "max";
	/** From here on its processes are slowed down and its memory reclaimed. `memory.high`; version 1 has nothing like it. */
	memoryHighBytes: bigint | "max";
	/** Swap. `memory.swap.max`; in version 1 what `memory.memsw.limit_in_bytes` leaves above memory. */
	swapMaxBytes: bigint | "max";
	/** Tasks: processes and threads. `pids.max`. */
	pidsMax: bigint | "max";
	/** CPU time in cores: 0.5 is half of one, 2 is two. `cpu.max`, or `cpu.cfs_quota_us`; the period stays as it is. */
	cpuMax: number | "max";
	/** Share of busy CPUs beside other groups, 1 to 10000, 100 by default. `cpu.weight`, or `cpu.shares` as the kernel converts it. */
	cpuWeight: number;
}
/** What a control group and everything below it use; null is what its hierarchy or this kernel does not count. */
export interface CgroupStats {
	/** Page cache and kernel memory included. Controller memory. */
	readonly memoryBytes: bigint | null;
	/** The most there ever was. Controller memory; on version 2 since Linux 5.19. */
	readonly memoryPeakBytes: bigint | null;
	/** Tasks: processes and threads. Controller pids. */
	readonly pids: number | null;
	/** On all CPUs together. Always there on version 2; on version 1 in the controller cpuacct. */
	readonly cpuUsageMs: number | null;
	/** Processes ended for lack of memory. Controller memory. */
	readonly oomKills: bigint | null;
}
/** Which hierarchy: one line of /proc/<pid>/cgroup. */
export type GroupMatcher = {
	readonly unified: true;
} | {
	readonly controller: string;
} | {
	readonly name: string;
};
/**
 * A control group, held by its directory: a group that was removed and made anew under the same name is another one.
 *
 * Every hierarchy of version 1 and 2 will do. Freezing needs version 2 or the freezer of version 1; ending works everywhere, at
 * once on version 2, and process by process elsewhere.
 *
 * Kernel: 3.8 with the freezer of version 1, 4.5 with version 2; there `freeze` needs 5.2, and `kill` ends processes one by one
 * before 5.14.
 *
 * Sources: cgroups(7), the kernel's cgroup-v2 document.
 *
 * @example
 * ```ts
 * // needs: freeze2
 * import { Cgroup, spawn } from 'procward';
 *
 * const group = Cgroup.create(`/builds-${process.pid}`);
 * await spawn('sh', ['-c', 'sleep 1000 & sleep 1000'], { cgroup: group, stdio: 'ignore' });
 * const lease = await group.freeze(); // every task of it stands still now
 * await lease.release();
 * await group.kill(); // all of it, however it forked
 * await group.remove();
 * ```
 */
export declare class Cgroup implements Disposable {
	#private;
	/** Of the hierarchy it is in. */
	readonly version: 1 | 2;
	/** As /proc/<pid>/cgroup writes it, below the hierarchy's root. */
	readonly path: string;
	/** Directory inode; on version 2 the kernel's cgroup id. */
	readonly id: bigint;
	/**
	 * Opens a group.
	 *
	 * @param path As /proc/<pid>/cgroup writes it, below the hierarchy's root (`/app.slice/x`); `..` is refused.
	 * @param hierarchy Default: version 2 wherever it is mounted, else the version 1 freezer.
	 * @returns A handle of the group that has this path now.
	 * @throws {ProcwardError} `NotFound`; `Unsupported` when the hierarchy is not mounted.
	 */
	static open(path: string, hierarchy?: GroupMatcher): Cgroup;
	/**
	 * Makes a group, whose parent must exist.
	 *
	 * @param path As {@link Cgroup.open} takes it.
	 * @param hierarchy Which tree of groups. Default: version 2 wherever it is mounted, else the version 1 freezer.
	 * @returns A handle of the new group.
	 * @throws {ProcwardError} code `EEXIST` when it exists already (`isExist()` tells); `PermissionDenied`, with a hint, where groups may not be
	 * made; `NotFound` without its parent.
	 */
	static create(path: string, hierarchy?: GroupMatcher): Cgroup;
	/**
	 * Opens the group that a process is in.
	 *
	 * @param process Given as a handle, this process is meant and no other that got its pid.
	 * @param hierarchy Default: version 2 wherever it is mounted, else the version 1 freezer.
	 * @returns A handle of that group.
	 * @throws {ProcwardError} `NotFound` when there is no such process, or no mount shows its group; `Gone` when the one that is held was
	 * reaped, or its group was removed; `Escape` when its group lies outside our cgroup namespace.
	 * @example
	 * ```ts
	 * import { Cgroup, Process } from 'procward';
	 *
	 * using group = await Cgroup.of(Process.self());
	 * console.log(group.path, await group.stats());
	 * ```
	 */
	static of(process: Process | number, hierarchy?: GroupMatcher): Promise<Cgroup>;
	/**
	 * The group of that name below this one.
	 *
	 * @param name One component: no `/`, and not `..`.
	 * @returns A handle of it, looked up below this handle's directory.
	 * @throws {ProcwardError} `NotFound`; `Gone` when this group was removed; `InvalidArgument`.
	 */
	child(name: string): Cgroup;
	/**
	 * Makes a group below this one.
	 *
	 * @param name One component: no `/`, and not `..`.
	 * @returns A handle of the new group.
	 * @throws {ProcwardError} As {@link Cgroup.create}; `Gone` when this group was removed.
	 */
	createChild(name: string): Cgroup;
	/**
	 * The names of the groups below this one.
	 *
	 * @returns Names for {@link Cgroup.child}, in no order: a snapshot.
	 * @throws {ProcwardError} `Gone`.
	 */
	children(): Promise<string[]>;
	/**
	 * Moves a process, with all its threads, into this group. About 10 ms when done rarely: a child that is born here costs
	 * nothing ({@link SpawnOptions.cgroup}).
	 *
	 * @param process A process of which this group's hierarchy may be written; given as a handle, no other that got its
	 * pid.
	 * @throws {ProcwardError} `Gone` when it ended; `PermissionDenied`; `Busy` when the group has groups below it to which it
	 * gives controllers.
	 */
	add(process: Process | number): void;
	/**
	 * Whether a process is in this very group, not below it.
	 *
	 * Kernel: on version 2 since 6.13 one question about its pidfd, by the id of the group; else its path in /proc is followed and
	 * what is found there compared.
	 *
	 * @param process A handle, or a pid, which is looked up once.
	 * @returns False also when it is in a group below, when it has ended, and when this group was removed.
	 * @throws {ProcwardError} `PermissionDenied` where /proc hides it; `Closed`.
	 */
	contains(process: Process | number): boolean;
	/**
	 * The processes in it, and with `recursive` below it. A snapshot: each may have ended since.
	 *
	 * @param options.recursive Those of the groups below, too. Default false.
	 * @returns Pids as our pid namespace numbers them.
	 * @throws {ProcwardError} `Gone`; `Unsupported` for a threaded group.
	 */
	pids(options?: {
		recursive?: boolean;
	}): Promise<number[]>;
	/**
	 * The processes in it, and with `recursive` below it, as handles: each was in the group when it was opened, and whatever ended or
	 * left in the meantime is left out. Who comes later is not listed.
	 *
	 * One is opened at a time, when the loop asks for it. Closing it is up to the loop.
	 *
	 * @param options.recursive Those of the groups below, too. Default false.
	 * @returns Handles, for `for await`; breaking off the loop is fine.
	 * @throws {ProcwardError} in the loop: `Gone` when the group was removed before it began; `Unsupported` for a threaded group.
	 * @example
	 * ```ts
	 * import { Cgroup, Process } from 'procward';
	 *
	 * using group = await Cgroup.of(Process.self());
	 * for await (using process of group.processes()) console.log(process.pid, process.alive);
	 * ```
	 */
	processes(options?: {
		recursive?: boolean;
	}): AsyncIterable<Process>;
	/**
	 * Freezes the group and everything below it. Resolves only when the kernel says that every task is frozen.
	 *
	 * On timeout, abort or any error, and when this program ends meanwhile, what was changed is undone first. A group that
	 * somebody else had frozen stays frozen when the lease is released; two leases thaw when both are.
	 *
	 * @param options The deadline, whose end is `TimedOut`; an AbortSignal, which rejects with an AbortError; whom not
	 * to freeze.
	 * @returns The lease: releasing it, or disposing of it, thaws.
	 * @throws {ProcwardError} `SelfProtected` for a group that holds this process; `TimedOut`, with the processes that did not
	 * freeze; `Closed` when it was thawed or killed meanwhile; `Gone`; `PermissionDenied`; `InvalidArgument` for the root;
	 * `Unsupported` before 5.2, and on version 1 hierarchies without the freezer.
	 * @example
	 * ```ts
	 * // needs: freeze2
	 * import { Cgroup, spawn } from 'procward';
	 *
	 * const group = Cgroup.create(`/suspended-${process.pid}`);
	 * await spawn('sleep', ['1000'], { cgroup: group, stdio: 'ignore' });
	 * const lease = await group.freeze();
	 * console.log(group.freezeState()); // { state: 'frozen', by: 'self' }
	 * await lease.release();
	 * await group.kill();
	 * await group.remove();
	 * ```
	 */
	freeze(options?: FreezeOptions): Promise<FreezeLease>;
	/**
	 * Thaws the group, whoever froze it.
	 *
	 * @param options.timeoutMs How long to look at what comes of it; the request is withdrawn at once. Default 3000.
	 * @param options.signal Ends that look with an AbortError.
	 * @returns Whether a group above it keeps it frozen all the same.
	 * @throws {ProcwardError} `Gone`; `PermissionDenied`; `InvalidArgument` for the root; `Unsupported` as {@link Cgroup.freeze}.
	 */
	thaw(options?: {
		timeoutMs?: number;
		signal?: AbortSignal;
	}): Promise<{
		stillFrozenByAncestor: boolean;
	}>;
	/**
	 * What the kernel reports: achieved, not requested. `by` says whose request it is, null when thawed.
	 *
	 * @returns The state, and who asked for it.
	 * @throws {ProcwardError} `Gone`; `Unsupported` as {@link Cgroup.freeze}.
	 */
	freezeState(): {
		readonly state: FreezeState;
		readonly by: "self" | "ancestor" | null;
	};
	/**
	 * SIGKILLs everything in it and below, forks included, and resolves when it is empty.
	 *
	 * What is frozen is thawed: also a version 1 freezer group that holds one of them, which no signal reaches. If strangers
	 * live there, it stays frozen, and the process is moved out of it to die.
	 *
	 * @param options.timeoutMs Default 3000.
	 * @param options.includeSelf Allow it when this process is inside. Default false.
	 * @param options.signal Ends the waiting with an AbortError. What was killed stays killed.
	 * @throws {ProcwardError} `Leftovers`, with the processes that survived; `SelfProtected`; `PermissionDenied`; `Gone`.
	 */
	kill(options?: {
		timeoutMs?: number;
		signal?: AbortSignal;
		includeSelf?: boolean;
	}): Promise<void>;
	/**
	 * Asks everything in it and below to end, and after a grace kills what is left: one call, one deadline.
	 *
	 * @param options.killSignal What asks. Default SIGTERM.
	 * @param options.graceMs How long it has. Default 5000.
	 * @param options.timeoutMs For all of it. Default: the grace and 3000.
	 * @param options.signal Ends the waiting with an AbortError; what got a signal has got it, and nothing more is
	 * sent.
	 * @throws {ProcwardError} as {@link Cgroup.kill}.
	 */
	stop(options?: {
		killSignal?: SignalName | number;
		graceMs?: number;
		timeoutMs?: number;
		signal?: AbortSignal;
	}): Promise<void>;
	/**
	 * Tells what happens to the group from now on, as it happens, and ends with its removal.
	 *
	 * The kernel wakes; nothing polls, and nothing runs between two steps of the loop. A loop that is slow loses no state: it finds
	 * the latest, and counts are totals. What was undone before it looked is not told. So watch first, and then look whether what
	 * you wait for is there already.
	 *
	 * On version 2: `populated`, `empty`, `frozen`, `thawed`, and with the controllers memory and pids, if the group has them by now, the
	 * counted events. On version 1: in the hierarchy of memory `oom` (counted from now on) and `oom-kill`, in that of pids `pids-max`.
	 * `removed` on both; of a group that another cgroup namespace removes it may take a second.
	 *
	 * @param options.signal Ends the loop with an AbortError.
	 * @returns Events for `for await`; breaking off the loop ends the watch.
	 * @throws {ProcwardError} At once: `Gone`; `Unsupported` in other hierarchies of version 1, which announce nothing; `InvalidArgument`
	 * for the root of version 2, which does not either.
	 * @example
	 * ```ts
	 * // needs: cgroup2
	 * import { Cgroup, spawn } from 'procward';
	 *
	 * using group = Cgroup.create(`/jobs-${process.pid}`);
	 * await spawn('sh', ['-c', 'sleep 0.2 & exit'], { cgroup: group, stdio: 'ignore' });
	 * const events = group.watch();
	 * if ((await group.pids()).length > 0) {
	 *   for await (const event of events) {
	 *     if (event.type === 'oom-kill') console.error(`${event.count} processes ran out of memory`);
	 *     if (event.type === 'empty') break; // whatever the shell started has ended, too
	 *   }
	 * }
	 * console.log(await group.pids()); // []
	 * await group.remove();
	 * ```
	 */
	watch(options?: {
		signal?: AbortSignal;
	}): AsyncIterable<CgroupEvent>;
	/**
	 * Reads what the group may use at most, whatever the version calls it.
	 *
	 * A limit whose controller the group does not have is not among the keys of the result; reading it all the same throws
	 * `Unsupported`, with a hint that says where that controller is.
	 *
	 * @returns Bytes, tasks, cores and shares, as the names say; `'max'` is no limit of its own.
	 * @throws {ProcwardError} `Unsupported`, with the same hint, when the group can have no limit at all; `Gone`.
	 */
	limits(): Promise<CgroupLimits>;
	/**
	 * Sets limits, and leaves out what is not given. All of them are set or, when the kernel refuses one, none: the values are checked
	 * first, then that the group has every file, and what was written before a refusal is put back.
	 *
	 * A group that uses more memory than it may have now is reclaimed from, which takes its time, and its processes may be ended.
	 *
	 * @param limits What is to change, in the units of {@link CgroupLimits}.
	 * @throws {ProcwardError} At once: `InvalidArgument`. `Unsupported`, with a hint, for a limit that this group cannot have; `Busy` when
	 * version 1 cannot free as much memory; `PermissionDenied`; `Gone`; `InvalidArgument` (EINVAL) when the kernel refuses.
	 * @example
	 * ```ts
	 * // needs: cpu1
	 * import { Cgroup } from 'procward';
	 *
	 * using group = Cgroup.create(`/builds-${process.pid}`, { controller: 'cpu' });
	 * await group.setLimits({ cpuMax: 1.5, cpuWeight: 50 });
	 * console.log(await group.limits()); // { cpuMax: 1.5, cpuWeight: 50 }
	 * await group.remove();
	 * ```
	 */
	setLimits(limits: Partial<CgroupLimits>): Promise<void>;
	/**
	 * Reads what the group and everything below it use now. Each number is as of its moment.
	 *
	 * @returns Bytes, tasks and milliseconds, as the names say; null is what its hierarchy does not count.
	 * @throws {ProcwardError} `Gone`.
	 */
	stats(): Promise<CgroupStats>;
	/**
	 * Reads an interface file: `pids.current`.
	 *
	 * @param name Its name in the group's directory.
	 * @returns Its content, with the newline at its end.
	 * @throws {ProcwardError} `Unsupported` when this kernel has no such file, `Gone`.
	 */
	readFile(name: string): Promise<string>;
	/**
	 * Writes an interface file, in one write(2).
	 *
	 * @param name Its name in the group's directory.
	 * @param value As the kernel's document asks for it.
	 * @throws {ProcwardError} as {@link Cgroup.readFile}, and what the kernel answers.
	 */
	writeFile(name: string, value: string): Promise<void>;
	/**
	 * Removes the group, and with `recursive` everything below it, which must be empty of processes.
	 *
	 * @param options.timeoutMs How long to bear with a group that is busy still. Default 3000.
	 * @param options.recursive What is below, too. Default false.
	 * @throws {ProcwardError} `Busy` when processes or groups are left in it; removing one that is gone already is no error.
	 */
	remove(options?: {
		recursive?: boolean;
		timeoutMs?: number;
	}): Promise<void>;
	/** Closes the handle, never the group. A no-op when repeated. */
	close(): void;
	/** {@link Cgroup.close}, for `using`. */
	[Symbol.dispose](): void;
}
/**
 * A process we started and may reap. Its streams are Node streams.
 *
 * It is reaped when it exits, whether or not anybody waits. Like a child of `node:child_process` it keeps the program running
 * until then; `unref()` lets the program end first.
 *
 * Kernel: as {@link spawn} and {@link Process}; a child is always told how it ended. Sources: waitid(2), wait4(2).
 *
 * @example
 * ```ts
 * import { spawn } from 'procward';
 *
 * await using child = await spawn('cat', [], { stdio: ['pipe', 'pipe', 'inherit'] });
 * child.stdin?.end('there and back');
 * for await (const chunk of child.stdout ?? []) console.log(String(chunk)); // there and back
 * console.log((await child.wait()).type); // exited
 * ```
 */
export declare class Child extends Process implements AsyncDisposable {
	#private;
	/** Null unless `stdio[0]` is `'pipe'`. */
	readonly stdin: Writable | null;
	/** Null unless `stdio[1]` is `'pipe'`. */
	readonly stdout: Readable | null;
	/** Null unless `stdio[2]` is `'pipe'`. */
	readonly stderr: Readable | null;
	/** All of them by descriptor number; null where it is no pipe. Those above 2 go both ways. */
	readonly stdio: readonly (Readable | Writable | Duplex | null)[];
	/**
	 * Stopped or continued since last asked; null when neither. Nothing announces it: ask on SIGCHLD, or from time to time.
	 *
	 * @returns What happened last, or null.
	 * @throws {ProcwardError} `Gone` once it was reaped.
	 */
	pollState(): WaitStatus | null;
	/**
	 * An EventEmitter with Node's ChildProcess events and properties, for code that wants one: `instanceof ChildProcess` holds.
	 * The same one each time. It has no IPC channel. Its `kill()` reaches this process or none.
	 *
	 * As in Node, `'close'` comes when the child has exited and its streams have ended, for which they must be read; a
	 * grandchild that keeps one open delays it, and neither `'exit'` nor {@link Child.wait}.
	 *
	 * @returns An object for code that was written for `node:child_process`.
	 * @throws {ProcwardError} Never throws; failures come as events, as in Node.
	 */
	toChildProcess(): ChildProcess;
	/** Kills it if it still runs, reaps it, closes its streams. */
	[Symbol.asyncDispose](): Promise<void>;
	/** Closes the handle, never the process, which is reaped all the same. Its streams stay open. A no-op when repeated. */
	close(): void;
}
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
export declare const cloneFlags: Readonly<Record<string, bigint>>;
/** Everything that procward can do without, by name. */
export type FeatureName = "openat2" | "fsopen" | "open_tree" | "statx_mnt_id" | "proc_subset_pid" | "pidfd_open" | "pidfd_send_signal" | "pidfd_waitid" | "pidfd_info" | "pidfd_exit_info" | "pidfd_process_group_signal" | "pidfd_getfd" | "process_mrelease" | "clone3" | "clone_into_cgroup" | "close_range" | "user_namespaces" | "cgroup_v1_freezer" | "cgroup_v2" | "cgroup_v2_freeze" | "cgroup_v2_kill" | "cgroup_v2_write" | "systemd_system" | "systemd_user";
/** What is known of one feature. */
export interface FeatureReport {
	/** `degraded`: something weaker is used instead. `no`: what needs it is refused. */
	readonly status: "yes" | "degraded" | "no";
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
export declare function features(): Record<FeatureName, FeatureReport>;
/** The step of a spawn that failed, in the order in which a child goes through them. */
export type SpawnStage = "clone" | "id-map" | "session" | "process-group" | "terminal" | "signals" | "unshare" | "mounts" | "root" | "resource-limits" | "scheduling" | "oom-score" | "cgroup" | "groups" | "gid" | "uid" | "capabilities" | "cwd" | "parent-death-signal" | "no-new-privileges" | "seccomp" | "landlock" | "descriptors" | "exec";
/**
 * What a child's descriptor is: a new pipe, /dev/null, ours of the same number, or one of ours by number.
 */
export type StdioOption = "pipe" | "ignore" | "inherit" | number | {
	readonly fd: number;
};
/** A kind of namespace. Source: namespaces(7). */
export type NamespaceName = "user" | "pid" | "mount" | "network" | "ipc" | "uts" | "cgroup" | "time";
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
	processGroup?: "new" | number;
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
	credentials?: {
		readonly uid: number;
		readonly gid: number;
		readonly groups?: readonly number[] | "keep";
	};
	/**
	 * Capabilities that it keeps although it is not root, and passes on, as capabilities(7) names them: `'net_bind_service'`.
	 * All others are dropped. Needs them in our permitted set.
	 */
	ambientCapabilities?: readonly string[];
	/** Capabilities that no program it executes can gain: those are taken from the bounding set. Ambient ones stay. */
	dropCapabilities?: readonly string[] | "all";
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
	enterNamespacesOf?: {
		readonly process: Process;
		readonly namespaces: readonly NamespaceName[];
	};
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
/**
 * What can be done about an error. Compare with `===`; new kinds may be added in a minor release.
 *
 * - `Gone`: the process, group or file that a handle held no longer exists.
 * - `NotFound`, `PermissionDenied`, `InvalidArgument`, `Busy`: as the words say.
 * - `Unsupported`: the kernel, a seccomp filter or the platform lacks it; see `feature` and `hint`.
 * - `Overmount`, `NotProcfs`, `MagicLink`, `Escape`, `Masked`, `Stale`: the safe procfs refused.
 * - `SelfProtected`, `TimedOut`, `Leftovers`, `Frozen`: control groups.
 * - `SpawnFailed`: see `stage`.
 * - `TrackingUnavailable`, `CannotTrack`: systemd.
 * - `Closed`: the handle was closed before.
 * - `Os`: any other answer of the kernel; see `code`.
 */
export type ErrorKind = "Gone" | "NotFound" | "PermissionDenied" | "InvalidArgument" | "Busy" | "Unsupported" | "Overmount" | "NotProcfs" | "MagicLink" | "Escape" | "Masked" | "Stale" | "SelfProtected" | "TimedOut" | "Leftovers" | "Frozen" | "SpawnFailed" | "TrackingUnavailable" | "CannotTrack" | "Closed" | "Os";
/** A process that blocked an operation or survived it. */
export interface Bystander {
	/** Its id, at the time of the error. */
	readonly pid: number;
	/** State letter of /proc/<pid>/stat; `?` when it could not be read. */
	readonly state: string;
	/** The kernel function it waits in; absent when that may not be read. */
	readonly wchan?: string;
}
/** What a {@link ProcwardError} is made of; the fields mean what they do there. */
export interface ProcwardErrorFields {
	/** See {@link ProcwardError.kind}. */
	readonly kind: ErrorKind;
	/** What happened; the hint is put after it. */
	readonly message: string;
	/** Default: `ERR_PROCWARD_` and the kind. */
	readonly code?: string | undefined;
	/** See {@link ProcwardError.errno}. */
	readonly errno?: number | undefined;
	/** See {@link ProcwardError.syscall}. */
	readonly syscall?: string | undefined;
	/** See {@link ProcwardError.path}. */
	readonly path?: string | undefined;
	/** See {@link ProcwardError.pid}. */
	readonly pid?: number | undefined;
	/** See {@link ProcwardError.stage}. */
	readonly stage?: SpawnStage | undefined;
	/** See {@link ProcwardError.feature}. */
	readonly feature?: FeatureName | undefined;
	/** See {@link ProcwardError.hint}. */
	readonly hint?: string | undefined;
	/** See {@link ProcwardError.processes}. */
	readonly processes?: readonly Bystander[] | undefined;
	/** What is behind it, as of any Error. */
	readonly cause?: unknown;
}
/**
 * The only error that procward throws or rejects with, besides `AbortError`.
 *
 * `stack` shows the caller, also for asynchronous functions. `code`, `errno` and `syscall` look as Node's own errors do,
 * so existing handlers work.
 *
 * Source: errno(3), for `code` and `errno`.
 *
 * @example
 * ```ts
 * import { Process, ProcwardError } from 'procward';
 *
 * try {
 *   Process.open(2 ** 22);
 * } catch (error) {
 *   if (error instanceof ProcwardError) console.log(error.kind, error.code); // NotFound ESRCH
 * }
 * ```
 */
export declare class ProcwardError extends Error {
	/** What can be done about it. */
	readonly kind: ErrorKind;
	/** `'ESRCH'` as Node writes it, or `'ERR_PROCWARD_…'` when no system call failed. */
	readonly code: string;
	/** Negative, as in Node's SystemError. Absent when no system call failed. */
	readonly errno?: number;
	/** The system call that failed, by its name in section 2 of the manual. */
	readonly syscall?: string;
	/** The file it was about. */
	readonly path?: string;
	/** The process it was about. */
	readonly pid?: number;
	/** How far a spawn came. Present for kind `SpawnFailed`. */
	readonly stage?: SpawnStage;
	/** What is missing. Present for kind `Unsupported` when it has a name. */
	readonly feature?: FeatureName;
	/** What to do about it. */
	readonly hint?: string;
	/** Pids that survived or blocked (kinds `TimedOut` and `Leftovers`). */
	readonly processes?: readonly Bystander[];
	constructor(fields: ProcwardErrorFields);
}
/**
 * True for `ENOENT`, of any error with a code: Go's `errors.Is(err, fs.ErrNotExist)`.
 *
 * Source: errno(3). Never throws.
 *
 * @param error Anything: what was caught.
 * @returns False for everything without such a code.
 * @example
 * ```ts
 * import { isNotExist, procfs } from 'procward';
 *
 * const text = await procfs().readFile('self', 'no-such-file', 'utf8').catch((error) => {
 *   if (isNotExist(error)) return null;
 *   throw error;
 * });
 * console.log(text); // null
 * ```
 */
export declare function isNotExist(error: unknown): boolean;
/**
 * True for `EACCES` and `EPERM`: Go's `fs.ErrPermission`.
 *
 * Source: errno(3). Never throws.
 *
 * @param error Anything: what was caught.
 * @returns False for everything without such a code.
 * @example
 * ```ts
 * import { isPermission } from 'procward';
 *
 * console.log(isPermission(Object.assign(new Error(), { code: 'EPERM' })), isPermission(new Error())); // true false
 * ```
 */
export declare function isPermission(error: unknown): boolean;
/**
 * True for `EEXIST` and `ENOTEMPTY`: Go's `fs.ErrExist`.
 *
 * Source: errno(3). Never throws.
 *
 * @param error Anything: what was caught.
 * @returns False for everything without such a code.
 * @example
 * ```ts
 * import { isExist } from 'procward';
 *
 * console.log(isExist(Object.assign(new Error(), { code: 'EEXIST' })), isExist(new Error())); // true false
 * ```
 */
export declare function isExist(error: unknown): boolean;
/**
 * True for `ENOSYS`, `ENOTSUP`, `EOPNOTSUPP` and procward's own kind `Unsupported`: Go's `errors.ErrUnsupported`.
 *
 * Source: errno(3). Never throws.
 *
 * @param error Anything: what was caught.
 * @returns False for everything without such a code.
 * @example
 * ```ts
 * import { isUnsupported } from 'procward';
 *
 * console.log(isUnsupported(Object.assign(new Error(), { code: 'ENOSYS' })), isUnsupported(new Error())); // true false
 * ```
 */
export declare function isUnsupported(error: unknown): boolean;
/**
 * True for `EINTR`, `EMFILE`, `ENFILE` and everything {@link isTimeout} is true for: Go's `Errno.Temporary`.
 *
 * Source: errno(3). Never throws.
 *
 * @param error Anything: what was caught.
 * @returns False for everything without such a code.
 * @example
 * ```ts
 * import { isTemporary } from 'procward';
 *
 * console.log(isTemporary(Object.assign(new Error(), { code: 'EMFILE' })), isTemporary(new Error())); // true false
 * ```
 */
export declare function isTemporary(error: unknown): boolean;
/**
 * True for `EAGAIN`, `EWOULDBLOCK`, `ETIMEDOUT` and procward's own kind `TimedOut`: Go's `Errno.Timeout`.
 *
 * Source: errno(3). Never throws.
 *
 * @param error Anything: what was caught.
 * @returns False for everything without such a code.
 * @example
 * ```ts
 * import { isTimeout } from 'procward';
 *
 * console.log(isTimeout(Object.assign(new Error(), { code: 'ETIMEDOUT' })), isTimeout(new Error())); // true false
 * ```
 */
export declare function isTimeout(error: unknown): boolean;
/**
 * Replaces this process by a program: execve(2). Returns only by throwing, with everything as it was.
 *
 * The program has our pid, working directory, credentials, limits and children, descriptors 0 to 2, and every other one that
 * is not close-on-exec, of which Node has none. All signals are at their default and none is blocked. No exit handler runs,
 * and nothing is flushed. Node's raised limit of descriptors goes along, since nobody knows what it was before: lower it with
 * {@link setResourceLimit} for programs that use select(2).
 *
 * Kernel: any. Source: execve(2).
 *
 * @param file A path, or a name that is looked for in `PATH` of the environment as execvp(3) does it.
 * @param options.env Default `process.env`.
 * @param options.argv0 Default: `file`.
 * @param args Without the program's own name; see `argv0`.
 * @throws {ProcwardError} With the errno of execve(2); `InvalidArgument` in a worker; `Busy` while this thread keeps a group
 * frozen, which nobody would thaw. Leases of workers are not seen: end those first.
 * @example
 * ```ts
 * import { exec } from 'procward';
 *
 * exec('sh', ['-c', 'echo "$$ is who we were"']);
 * ```
 */
export declare function exec(file: string, args?: readonly string[], options?: {
	env?: Readonly<Record<string, string | undefined>>;
	argv0?: string;
}): never;
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
export declare function freezeAll(groups: Iterable<Cgroup>, options?: FreezeOptions): Promise<FreezeLease>;
/** The control group hierarchies of this host. */
export interface CgroupLayout {
	/**
	 * `unified`: version 2 alone, or at /sys/fs/cgroup. `hybrid`: version 2 beside version 1. `legacy`: version 1 alone. `none`: neither
	 * is mounted where this program can see it.
	 */
	readonly mode: "unified" | "hybrid" | "legacy" | "none";
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
export declare function cgroupLayout(): CgroupLayout;
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
export declare function cgroupVersion(): 0 | 1 | 2;
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
export declare function isUnified(): boolean;
/**
 * The path of a process in the hierarchy that matches: snapd's `ProcGroup`.
 *
 * The first line of /proc/<pid>/cgroup that matches counts, and lines that are none are passed over. `{ name }` is a hierarchy
 * with a name and no controller. The path is whole, colons and all, and as the cgroup namespace of this program shows it: one
 * outside begins with `/..`, one of a group that was removed ends with ` (deleted)`.
 *
 * Kernel: any with control groups. Sources: cgroups(7), cgroup_namespaces(7).
 *
 * @param process Given as a handle, the answer is about this process or it is an error; a number is looked up once.
 * @param matcher Which line of /proc/<pid>/cgroup.
 * @returns The path, below the root of that hierarchy.
 * @throws {ProcwardError} `NotFound` when no line matches, or no process has this id; `Gone` when the one that is held has ended and was
 * reaped; as `Procfs.readFile`, when /proc cannot be trusted.
 * @example
 * ```ts
 * import { cgroupPathOf } from 'procward';
 *
 * console.log(await cgroupPathOf(process.pid, { controller: 'memory' }).catch(({ kind }) => kind)); // …
 * ```
 */
export declare function cgroupPathOf(process: Process | number, matcher: GroupMatcher): Promise<string>;
/**
 * The path of a process in the hierarchy that systemd tracks processes with: version 2 where it leads, else the one named
 * `systemd`. snapd's `ProcessPathInTrackingCgroup`.
 *
 * Beside version 1 hierarchies a version 2 line is not believed: it stays behind when version 2 was mounted once. A file with a
 * line that no kernel writes is an error, even if another line would do.
 *
 * Kernel: any with control groups. Sources: cgroups(7), cgroup_namespaces(7).
 *
 * @param process As for {@link cgroupPathOf}.
 * @returns The path, below the root of that hierarchy.
 * @throws {ProcwardError} as {@link cgroupPathOf}; `NotFound` also when systemd tracks nothing here.
 * @example
 * ```ts
 * import { trackingPathOf } from 'procward';
 *
 * console.log(await trackingPathOf(process.pid).catch(({ kind }) => kind)); // …
 * ```
 */
export declare function trackingPathOf(process: Process | number): Promise<string>;
/**
 * The version of this package, `major.minor.patch`. Source: its package.json.
 *
 * @example
 * ```ts
 * import { version } from 'procward';
 *
 * console.log(version); // …
 * ```
 */
export declare const version: string;
/**
 * True when this is Linux and an addon for its architecture is installed. Never throws; where it is false, every function
 * throws `ERR_PROCWARD_UNSUPPORTED`. Sources: `process.platform`, `process.arch`, and whether the file is there.
 *
 * @example
 * ```ts
 * import { isSupported, procfs } from 'procward';
 *
 * console.log(isSupported ? procfs().readlinkSync('self', 'exe') : 'not on Linux'); // /…
 * ```
 */
export declare const isSupported: boolean;
/**
 * A pipe: pipe2(2). Both descriptors belong to the caller, who closes them.
 *
 * Kernel: 2.6.27. Source: pipe2(2).
 *
 * @param options.closeOnExec Default true. What {@link spawn} gives to a child is inherited either way.
 * @param options.nonBlocking Default false. Of both ends, also for those who inherit them.
 * @returns The end to read from, and the end to write to.
 * @throws {ProcwardError} `Os` (EMFILE, ENFILE) when no descriptor is left; `InvalidArgument`.
 * @example
 * ```ts
 * import { closeSync } from 'node:fs';
 * import { pipe, spawn } from 'procward';
 *
 * const { readFd, writeFd } = pipe();
 * await using first = await spawn('ls', [], { stdio: ['ignore', writeFd, 'inherit'] });
 * await using second = await spawn('wc', ['-l'], { stdio: [readFd, 'inherit', 'inherit'] });
 * closeSync(writeFd); // or the second would wait for more
 * closeSync(readFd);
 * await second.wait();
 * ```
 */
export declare function pipe(options?: {
	closeOnExec?: boolean;
	nonBlocking?: boolean;
}): {
	readFd: number;
	writeFd: number;
};
/**
 * Where a path starts: the root of procfs (global files), this process, the thread that runs this JavaScript, the process
 * that has a pid now, or, race-free, the very process behind a handle.
 */
export type ProcBase = "root" | "self" | "thread-self" | {
	readonly pid: number;
} | Process;
/** Something that a handle can be required to have; see {@link ProcfsOptions.require}. */
export type ProcfsGuarantee = "detached" | "no-overmounts" | "openat2" | "masked";
/** How to open a {@link Procfs}. */
export interface ProcfsOptions {
	/** No `subset=pid` and no `hidepid`: global files are visible. Dangerous to leak; close it soon. Default false. */
	unmasked?: boolean;
	/** Reject (kind `Unsupported`) instead of silently settling for less. Default: settle. */
	require?: readonly ProcfsGuarantee[];
	/**
	 * Read global files although a part of the same procfs is mounted over them, as every container has it over /proc/sys: what
	 * is read is what was asked for. Default false: kind `Overmount`, with a hint that says so.
	 */
	allowSameProcfs?: boolean;
	/**
	 * Open through the host's /proc what is denied (EACCES) only through a private one: AppArmor judges by paths, and a
	 * private mount's begin elsewhere. Default false: kind `PermissionDenied`, with a hint that says so.
	 */
	retryAttached?: boolean;
}
/** What was achieved. */
export interface ProcfsInfo {
	/** Where the root came from: an instance of our own, a copy of the host's mount (alone, or with what is mounted on it), or the host's /proc itself. */
	readonly origin: "fsopen" | "open_tree" | "open_tree_recursive" | "host";
	/** Nobody can mount anything over files below it any more. */
	readonly detached: boolean;
	/** `pid`: only processes are visible, no global files. */
	readonly subset: "pid" | "none";
	/** How paths are looked up: by one openat2(2), or component by component. */
	readonly resolver: "openat2" | "walk";
	/** How mounts are told apart. */
	readonly mountId: "unique" | "statx" | "fdinfo" | "none";
	/** Every stronger step that was tried and why it failed. */
	readonly attempts: readonly {
		readonly step: string;
		readonly code: string;
		readonly message?: string;
	}[];
}
/**
 * A handle to a procfs whose files are what they seem: nothing mounted over them, no link that leads out of it, no other
 * file system in its place.
 *
 * Reading is the default and links are not followed, except the ordinary ones of procfs (`self`, `thread-self`, `net`,
 * `mounts`). A path that meets anything else is refused with an error of its own kind, never answered from elsewhere.
 *
 * Kernel: full guarantee from 5.8 with `CAP_SYS_ADMIN` (an instance of our own); otherwise every look-up on the host's
 * /proc is verified, and {@link Procfs.info} says so. Below 5.6, or where openat2 is filtered, a mount made at the very
 * moment of a look-up can be missed on the host's /proc.
 *
 * Sources: proc(5), openat2(2), fsopen(2).
 *
 * @example
 * ```ts
 * // needs: mounts (CAP_SYS_ADMIN)
 * import { Procfs } from 'procward';
 *
 * using procfs = await Procfs.open({ require: ['no-overmounts'] });
 * const status = await procfs.readFile('self', 'status', 'utf8');
 * console.log(status.split('\n')[0]); // Name: …
 * ```
 */
export declare class Procfs implements Disposable {
	#private;
	/**
	 * Opens a handle of its own.
	 *
	 * @param options What to require, and what to put up with. Default: the strongest that can be had.
	 * @returns A handle; close it when done.
	 * @throws {ProcwardError} `Unsupported` when a guarantee of `require` cannot be had, `NotProcfs` when /proc is something
	 * else, `NotFound` when nothing is mounted there.
	 */
	static open(options?: ProcfsOptions): Promise<Procfs>;
	/** {@link Procfs.open}, at once: about ten system calls. */
	static openSync(options?: ProcfsOptions): Procfs;
	/** What was achieved when the handle was opened. */
	get info(): ProcfsInfo;
	/**
	 * Opens a file.
	 *
	 * @param base Where `path` starts. With a {@link Process} the file is that of this process, or kind `Gone`.
	 * @param path Relative, without `..`; `status`, `net/unix`, `sys/kernel/pid_max`.
	 * @param options How to open it. Default: for reading, without following.
	 * @returns The open file.
	 * @throws {ProcwardError} `NotFound`; `Gone` for a {@link Process} that ended; `Overmount`, `MagicLink`, `Escape`,
	 * `NotProcfs` when the path does not lead to a genuine file of this procfs; `Masked` when it exists only in an unmasked
	 * procfs that cannot be had; `PermissionDenied`.
	 */
	open(base: ProcBase, path: string, options?: ProcOpenOptions): Promise<ProcFile>;
	/** {@link Procfs.open}, at once: one or two system calls. */
	openSync(base: ProcBase, path: string, options?: ProcOpenOptions): ProcFile;
	/** {@link Procfs.open} of a global file. */
	openRoot(path: string, options?: ProcOpenOptions): Promise<ProcFile>;
	/** {@link Procfs.open} of a file of this process. */
	openSelf(path: string, options?: ProcOpenOptions): Promise<ProcFile>;
	/** {@link Procfs.open} of a file of the thread that runs this JavaScript, resolved before the call returns. */
	openThreadSelf(path: string, options?: ProcOpenOptions): Promise<ProcFile>;
	/** {@link Procfs.open} of a file of whichever process has this pid now. Race-free: open a {@link Process} instead. */
	openPid(pid: number, path: string, options?: ProcOpenOptions): Promise<ProcFile>;
	/**
	 * Reads a whole file.
	 *
	 * @param base Where `path` starts, as for {@link Procfs.open}.
	 * @param path As for {@link Procfs.open}.
	 * @returns The whole content, a copy.
	 * @throws {ProcwardError} as {@link Procfs.open}.
	 */
	readFile(base: ProcBase, path: string): Promise<Buffer>;
	/**
	 * The same as text.
	 *
	 * @param base Where `path` starts, as for {@link Procfs.open}.
	 * @param path As for {@link Procfs.open}.
	 * @param encoding Of the text.
	 * @returns The whole content; what could not be decoded is U+FFFD.
	 * @throws {ProcwardError} as the other form.
	 */
	readFile(base: ProcBase, path: string, encoding: BufferEncoding): Promise<string>;
	/** {@link Procfs.readFile}, at once: four system calls for a small file. */
	readFileSync(base: ProcBase, path: string): Buffer;
	readFileSync(base: ProcBase, path: string, encoding: BufferEncoding): string;
	/**
	 * Writes a file with one write(2), once it is known to be the one that was asked for: not a byte reaches any other.
	 *
	 * @param base Where `path` starts, as for {@link Procfs.open}.
	 * @param path As for {@link Procfs.open}.
	 * @param data Text is encoded as UTF-8.
	 * @throws {ProcwardError} as {@link Procfs.open}; `InvalidArgument` when the kernel refuses the value.
	 */
	writeFile(base: ProcBase, path: string, data: string | Uint8Array): Promise<void>;
	/**
	 * Lists a directory, without `.` and `..`. The root of a masked procfs lists processes only.
	 *
	 * @param base Where `path` starts, as for {@link Procfs.open}.
	 * @param path As for {@link Procfs.open}.
	 * @returns Names, as the kernel orders them.
	 * @throws {ProcwardError} as {@link Procfs.open}.
	 */
	readdir(base: ProcBase, path: string): Promise<string[]>;
	/**
	 * Where a link points, without following it: `cwd`, `exe`, `fd/0`, `ns/net`.
	 *
	 * @param base Where `path` starts, as for {@link Procfs.open}.
	 * @param path As for {@link Procfs.open}.
	 * @returns The target as the kernel writes it, as text.
	 * @throws {ProcwardError} as {@link Procfs.open}, and `InvalidArgument` for a file that is not a link.
	 */
	readlink(base: ProcBase, path: string): Promise<string>;
	/**
	 * The same for a target that is not UTF-8.
	 *
	 * @param base Where `path` starts, as for {@link Procfs.open}.
	 * @param path As for {@link Procfs.open}.
	 * @param encoding `'buffer'`.
	 * @returns The target's bytes.
	 * @throws {ProcwardError} as the other form.
	 */
	readlink(base: ProcBase, path: string, encoding: "buffer"): Promise<Buffer>;
	/** {@link Procfs.readlink}, at once. */
	readlinkSync(base: ProcBase, path: string): string;
	/**
	 * Where a descriptor of this process really points, descriptor 0 included.
	 *
	 * @param fd One of ours.
	 * @returns The path as the kernel writes it; for what has none, `pipe:[…]` and the like.
	 * @throws {ProcwardError} `NotFound` when it is not open.
	 */
	fdPath(fd: number): string;
	/**
	 * Opens what a descriptor of this process stands for once more, with other flags. The result is checked to be the same file.
	 *
	 * @param fd One of ours.
	 * @param options The flags wanted. Default: for reading.
	 * @returns The file, opened anew.
	 * @throws {ProcwardError} `Stale` when it turned out to be another file; `PermissionDenied`; code `EBADF`.
	 */
	reopen(fd: number, options?: ProcOpenOptions): Promise<ProcFile>;
	/**
	 * Runs `fn` with one temporary unmasked handle, for many global files; it is closed when `fn` settles.
	 *
	 * @param fn Gets the handle; what it returns is awaited.
	 * @returns What `fn` returned.
	 * @throws {ProcwardError} as {@link Procfs.open} of the class, and whatever `fn` throws.
	 */
	withUnmasked<T>(fn: (unmasked: Procfs) => T | Promise<T>): Promise<T>;
	/** Closes the handle; a no-op on the shared one and when repeated. Operations under way finish first. */
	close(): void;
	/** {@link Procfs.close}, for `using`. */
	[Symbol.dispose](): void;
}
/**
 * The handle that this process shares: opened on first use, masked, and opened again if its descriptor was closed or
 * replaced by other code in this process.
 *
 * Kernel: as {@link Procfs}. Sources: proc(5), openat2(2), fsopen(2).
 *
 * @returns The same handle each time; closing it does nothing.
 * @throws {ProcwardError} as {@link Procfs.open}, on first use of the handle.
 * @example
 * ```ts
 * import { procfs } from 'procward';
 *
 * console.log(procfs().readlinkSync('self', 'exe')); // /…
 * ```
 */
export declare function procfs(): Procfs;
/** How to run a program; see {@link run}. */
export interface RunOptions extends SpawnOptions {
	/** What it reads from descriptor 0; then that ends. Default: nothing. */
	input?: string | Uint8Array;
	/** How much of each of descriptors 1 and 2 is collected. Default 64 MiB. */
	maxBufferBytes?: number;
}
/** A program that has run. */
export interface RunResult {
	/** How it ended. */
	readonly exit: Exit;
	/** What it wrote to descriptor 1; empty when that was no pipe. */
	readonly stdout: Buffer;
	/** Likewise of descriptor 2. */
	readonly stderr: Buffer;
}
/**
 * Runs a program to its end: spawn, collect, wait. Resolves when it has exited, whatever its code is. A program of its own
 * that keeps a pipe open does not delay that; what such a one writes later is lost.
 *
 * Kernel: as {@link spawn}. Sources: execve(2), waitid(2), poll(2).
 *
 * @param options As for {@link spawn}, with `input` and `maxBufferBytes`. `timeoutMs` ends the program with `killSignal`, and
 * `exit` says so; `signal` does, too, and rejects.
 * @param file As for {@link spawn}.
 * @param args As for {@link spawn}.
 * @returns How it ended, and what it wrote.
 * @throws {ProcwardError} Rejects with kind `SpawnFailed`, as `spawn` does; with code `ENOBUFS` when it wrote more than
 * `maxBufferBytes`, after it was sent `killSignal`. With an AbortError when the signal fired first.
 * @example
 * ```ts
 * import { run } from 'procward';
 *
 * const { exit, stdout } = await run('sort', ['-r'], { input: 'a\nb\n' });
 * console.log(exit.type === 'exited' && exit.code === 0, stdout.toString()); // true b a
 * ```
 */
export declare function run(file: string, args?: readonly string[], options?: RunOptions): Promise<RunResult>;
/**
 * {@link run} on this thread: nothing else happens on it until the program has exited.
 *
 * Kernel: as {@link spawn}. Sources: execve(2), waitid(2), poll(2).
 *
 * @param file As for {@link spawn}.
 * @param args As for {@link spawn}.
 * @param options As for {@link run}, without `signal`: no AbortSignal can fire while this thread waits.
 * @returns As `run`.
 * @throws {ProcwardError} As `run`.
 * @example
 * ```ts
 * import { runSync } from 'procward';
 *
 * const { exit, stdout } = runSync('uname', ['-s']);
 * console.log(exit.type, String(stdout)); // exited Linux
 * ```
 */
export declare function runSync(file: string, args?: readonly string[], options?: RunOptions): RunResult;
/** What {@link createTransientScope} makes. */
export interface TransientScopeOptions {
	/** Unit name without ".scope"; a random UUID is appended. */
	name: string;
	/** Default: this process. Passed as pidfds where systemd takes them (255+). */
	processes?: readonly (Process | number)[];
	/** What it is for, as `systemctl status` shows it. */
	description?: string;
	/** The slice to stand in (`app.slice`), made on demand. Default: the manager's. */
	slice?: string;
	/** Leaves what is below the scope's group to its processes, to make groups in. */
	delegate?: boolean;
	/**
	 * Any other property of a scope, as org.freedesktop.systemd1(5) names it: `MemoryMax`, `TasksMax`, `CPUWeight`, `AllowedCPUs`,
	 * `RuntimeMaxUSec`, `KillMode`, … Amounts may be text (`'512M'`, `'50%'`, `'infinity'`), sets of numbers are (`'0-3,7'`).
	 */
	properties?: Readonly<Record<string, string | number | bigint | boolean | readonly string[]>>;
	/** 'auto': the user manager for a user, the system manager for root, the other where allowed. */
	bus?: "auto" | "session" | "system";
	/** Default: 10000. */
	timeoutMs?: number;
	/** Cancels the job, and rejects with an AbortError. */
	signal?: AbortSignal;
}
/** A scope that systemd made. It ends by itself with its last process. */
export interface TransientScope {
	/** The whole name of the unit, with its random id and ".scope". */
	readonly unit: string;
	/** Its group as /proc/<pid>/cgroup writes it, for {@link Cgroup.open}. */
	readonly cgroupPath: string;
	/** Whose manager made it: the user's, or the system's. */
	readonly bus: "session" | "system";
	/**
	 * Ends its processes as its properties say (SIGTERM, and SIGKILL after 90 s), and resolves once systemd has stopped it, also
	 * when it is gone already.
	 * @throws {ProcwardError} `SelfProtected` when it holds this process.
	 */
	stop(): Promise<void>;
	/**
	 * Freezes all its processes; resolves once systemd says that they are frozen. Repeated, it does nothing. A freeze that fails
	 * after 25 s is undone.
	 * @throws {ProcwardError} `SelfProtected` when it holds this process; `Gone` when it ended; `Unsupported` before systemd 246 and
	 * on version 1 groups.
	 */
	freeze(): Promise<void>;
	/**
	 * Thaws it. Repeated, it does nothing.
	 *
	 * @throws {ProcwardError} As {@link TransientScope.freeze}.
	 */
	thaw(): Promise<void>;
}
/**
 * Has systemd make a scope for processes that run already, and moves them into it. Resolves once the processes really are in the
 * scope's group, whatever systemd said.
 *
 * For a program of an ordinary user this is the way to a control group of its own: the manager of the user gives it, with
 * `delegate` also for groups below. A process that is in another unit leaves it.
 *
 * Ways to a manager, in their order: the user's at DBUS_SESSION_BUS_ADDRESS, $XDG_RUNTIME_DIR/bus, $XDG_RUNTIME_DIR/systemd/private;
 * the system's at /run/dbus/system_bus_socket, and for root at /run/systemd/private. Only unix sockets; nothing is started.
 *
 * Timeout and abort cancel the job of systemd. A scope that exists by then stays, and ends with its last process.
 *
 * Needs systemd 236 or later. From 255 processes are named by pidfd; before, by number, and from another pid namespace, where
 * the number is a stranger's, that is refused with `CannotTrack`.
 *
 * Sources: org.freedesktop.systemd1(5), systemd.scope(5), systemd.resource-control(5).
 *
 * @param options What to make, for whom, and by when.
 * @returns The scope, with every process in it.
 * @throws {ProcwardError} kind `TrackingUnavailable`, at once where systemd is not running, when no manager can be reached, with the
 * reason for each way; `CannotTrack` when systemd failed or a process is not where it says; `PermissionDenied`; `InvalidArgument`
 * for a property or value that systemd refuses; `Gone` when a process ended; `Frozen` below a frozen slice; `TimedOut`.
 * @example
 * ```ts
 * import { createTransientScope, ProcwardError, spawn } from 'procward';
 *
 * await using build = await spawn('sleep', ['1000'], { stdio: 'ignore' });
 * try {
 *   const scope = await createTransientScope({
 *     name: 'my-app-build',
 *     processes: [build],
 *     properties: { MemoryMax: '2G', TasksMax: 500 },
 *   });
 *   console.log(scope.unit, scope.cgroupPath);
 * } catch (error) {
 *   if (!(error instanceof ProcwardError && error.kind === 'TrackingUnavailable')) throw error;
 *   console.log('not tracked:', error.message);
 * }
 * ```
 */
export declare function createTransientScope(options: TransientScopeOptions): Promise<TransientScope>;
/**
 * Starts a program. Resolves once it has been executed; what it does then is told by {@link Child.wait}.
 *
 * The child gets the descriptors of `stdio` and no others, no ignored or blocked signals, and is held by a pidfd from birth.
 * This thread is not stopped meanwhile, however large the program's memory is.
 *
 * Kernel: 5.4. Without clone3 (5.3, or filtered) the child joins `cgroup` itself before it runs the program.
 *
 * Sources: clone(2), execve(2), setsid(2), prctl(2), cgroups(7).
 *
 * @param file A path, or a name that is looked for in `PATH` of the child's environment as execvp(3) does it.
 * @param args Without the program's own name; see `argv0`.
 * @param options Its directory, environment, descriptors, rights, limits, group. Default: all as ours, with pipes for 0 to 2.
 * @returns The child, which runs the program by now.
 * @throws {ProcwardError} Rejects with kind `SpawnFailed`; `stage` says which step failed and `code` why: a missing program
 * is stage `exec` with `ENOENT`, a missing directory stage `cwd`. Bad options, and options that exclude each other, throw at
 * once, before anything is started. An AbortSignal that fires first is an AbortError.
 * @example
 * ```ts
 * import { spawn } from 'procward';
 *
 * await using child = await spawn('sort', ['-r'], { stdio: ['pipe', 'pipe', 'inherit'] });
 * child.stdin!.end('a\nb\n');
 * for await (const chunk of child.stdout!) process.stdout.write(chunk);
 * console.log(await child.wait()); // { type: 'exited', code: 0, … }
 * ```
 */
export declare function spawn(file: string, args?: readonly string[], options?: SpawnOptions): Promise<Child>;
/**
 * Resolves with the first of many processes to exit, and how it did. The others go on, unwatched.
 *
 * One descriptor for each and no thread; the same process may be given twice. Of several that have ended already, the first
 * of the list wins.
 *
 * Kernel: as {@link Process.wait}. Sources: pidfd_open(2), waitid(2), epoll(7).
 *
 * @param options.signal Ends the waiting, not the processes: rejects with an AbortError.
 * @param processes Children and strangers, in any mixture.
 * @returns The process, and how it ended.
 * @throws {ProcwardError} At once: `InvalidArgument` when there is nothing to wait for, `Closed` when one of the handles is.
 * @example
 * ```ts
 * import { spawn, waitAny } from 'procward';
 *
 * const racers = await Promise.all([spawn('sleep', ['0.1']), spawn('sleep', ['1000'])]);
 * const { process, exit } = await waitAny(racers);
 * console.log(process === racers[0], exit.type); // true exited
 * racers[1].signal('SIGKILL');
 * ```
 */
export declare function waitAny(processes: Iterable<Process>, options?: {
	signal?: AbortSignal;
}): Promise<{
	process: Process;
	exit: Exit;
}>;
/**
 * Resolves when all of these processes have exited, with their exits in the order of the list; with an empty list for none.
 *
 * One descriptor for each and no thread. When waiting for one of them fails, the rest is no longer waited for.
 *
 * Kernel: as {@link Process.wait}. Sources: pidfd_open(2), waitid(2), epoll(7).
 *
 * @param options.signal Ends the waiting, not the processes: rejects with an AbortError.
 * @param processes Children and strangers, in any mixture.
 * @returns The exits, in the order of the list.
 * @throws {ProcwardError} At once: `Closed` when one of the handles is.
 * @example
 * ```ts
 * import { spawn, waitAll } from 'procward';
 *
 * const children = await Promise.all([spawn('true'), spawn('false')]);
 * const exits = await waitAll(children);
 * console.log(exits.map((exit) => exit.type === 'exited' && exit.code)); // [ 0, 1 ]
 * ```
 */
export declare function waitAll(processes: Iterable<Process>, options?: {
	signal?: AbortSignal;
}): Promise<Exit[]>;

export {};
