// One particular process, held by a pidfd.

import type * as Addon from './addon.d.ts';
import {
  checkEncoding,
  checkFd,
  checkHandle,
  checkOneOf,
  checkOptions,
  checkPid,
  checkSignal,
  checkString,
  checkTimeout,
  invalid,
} from './arguments.ts';
import { begin, type Operation, perform } from './completions.ts';
import { abortError, closedError, unwrap } from './errors.ts';
import { type Exit, toExit } from './exit.ts';
import { checkLimit, RESOURCES, type ResourceLimit, type ResourceName, toLimit } from './limits.ts';
import { native } from './native.ts';
import { ProcFile, type ProcOpenOptions, toOpenPlan } from './procfile.ts';
import { type SignalName, signalNumber } from './signals.ts';
import { untilAborted, type Watch } from './watch.ts';

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
export type SignalScope = 'process' | 'thread' | 'group';

/** A base that the addon does not look at when it is given a process. */
const SELF = -1;
const SCOPES = ['process', 'thread', 'group'] as const;

/** Starts to wait for a {@link Process}; throws when it was closed. @internal */
export let watchExit: (process: Process) => Watch<Exit>;

/** Reads the addon's handle out of a {@link Process}; throws when it was closed. @internal */
export let nativeOf: (process: Process) => Addon.Process;

/** Whether it really is a {@link Process}, and has not just its prototype. @internal */
export let isProcess: (value: unknown) => value is Process;

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
export class Process implements Disposable {
  /** The id it has, or had: a pid may be given to another process once this one was reaped. */
  readonly pid: number;
  readonly #native: Addon.Process;
  #closed = false;
  #held = true;
  #exit: Operation<Addon.ExitRecord> | undefined;
  #waiters = 0;

  static {
    nativeOf = (process) => process.#open();
    watchExit = (process) => process.#join();
    isProcess = (value): value is Process => typeof value === 'object' && value !== null && #native in value;
  }

  /** Use {@link Process.open}. @internal */
  constructor(handle: Addon.Process) {
    this.#native = checkHandle(handle, native().Process, 'Process.open, Process.self and spawn');
    this.pid = handle.pid;
  }

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
  static open(pid: number, options?: { thread?: boolean }): Process {
    const { thread = false } = checkOptions('options', options, ['thread']);
    if (typeof thread !== 'boolean') throw invalid('options.thread', thread, 'a boolean');
    return new Process(unwrap(native().Process.open(checkPid('pid', pid), thread)));
  }

  /**
   * A handle for this process.
   *
   * @returns A handle; ending it does not end us.
   * @throws {ProcwardError} `Os` (EMFILE) when no descriptor is left.
   */
  static self(): Process {
    return new Process(unwrap(native().Process.own()));
  }

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
  static fromIdentity(identity: ProcessIdentity): Process {
    if (typeof identity !== 'object' || identity === null) throw invalid('identity', identity, 'a ProcessIdentity');
    const bootId = checkString('identity.bootId', identity.bootId);
    const startTime = checkDecimal('identity.startTime', identity.startTime);
    const inode = identity.inode === null ? null : checkDecimal('identity.inode', identity.inode);
    const pid = checkPid('identity.pid', identity.pid);
    return new Process(unwrap(native().Process.fromIdentity(bootId, pid, startTime, inode ?? undefined)));
  }

  /** The descriptor, for passing on; it stays owned by this handle. -1 where pidfds are unavailable. */
  get pidfd(): number {
    return unwrap(this.#open().pidfd);
  }

  /**
   * What tells it from every other process. Read when first asked for.
   * @throws {ProcwardError} `Gone` when it was reaped before that.
   */
  get identity(): ProcessIdentity {
    const { inode, ...identity } = unwrap(this.#open().identity());
    return { ...identity, inode: inode ?? null };
  }

  /** Whether it still runs. A zombie, which has ended and waits for its parent, does not. */
  get alive(): boolean {
    return unwrap(this.#open().isAlive());
  }

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
  signal(signal: SignalName | number = 'SIGTERM', options?: { scope?: SignalScope }): void {
    const number = signalNumber('signal', signal, 0);
    const { scope } = checkOptions('options', options, ['scope']);
    if (scope !== undefined) checkOneOf('options.scope', scope, SCOPES);
    unwrap(this.#open().signal(number, scope));
  }

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
  wait(options?: { signal?: AbortSignal }): Promise<Exit> {
    const { signal } = checkOptions('options', options, ['signal']);
    checkSignal('options.signal', signal);
    if (!this.#closed && signal?.aborted) return Promise.reject(abortError(signal));
    const watch = this.#join();
    return signal === undefined ? watch.promise : untilAborted(watch.promise, [watch], signal);
  }

  /**
   * Waits on this thread.
   *
   * @param options.timeoutMs Default: for ever.
   * @returns How it ended, or null when the time passed.
   * @throws {ProcwardError} `Closed`.
   */
  waitSync(options?: { timeoutMs?: number }): Exit | null {
    const { timeoutMs = Number.POSITIVE_INFINITY } = checkOptions('options', options, ['timeoutMs']);
    const record = unwrap(this.waitOnThread(checkTimeout('options.timeoutMs', timeoutMs)));
    return record === undefined || record === null ? null : toExit(record);
  }

  /**
   * Ids, credentials and control group in one race-free call.
   *
   * Kernel: 6.13; below, /proc/<pid>/status of this very process, without `cgroupId`.
   *
   * @returns Numbers as our pid and user namespaces show them.
   * @throws {ProcwardError} `Gone` once it was reaped.
   */
  info(): ProcessInfo {
    const { uid, gid, cgroupId, ...ids } = unwrap(this.#open().info());
    return { ...ids, uid: toIdSet(uid), gid: toIdSet(gid), cgroupId: cgroupId ?? null };
  }

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
  readFile(path: string, encoding?: BufferEncoding): Promise<Buffer | string> {
    const handle = this.#open();
    const file = checkString('path', path);
    const decode = checkEncoding(encoding);
    const procfs = native().Procfs.shared();
    return perform<Buffer>((environment, id) => procfs.read(environment, id, SELF, handle, file)).then(decode);
  }

  /** {@link Process.readFile}, at once. */
  readFileSync(path: string, encoding: BufferEncoding): string {
    const handle = this.#open();
    const file = checkString('path', path);
    const decode = checkEncoding(encoding);
    return decode(unwrap(native().Procfs.shared().readSync(SELF, handle, file)));
  }

  /**
   * Where a link of /proc/<pid> of this very process points, without following it.
   *
   * @param path Below /proc/<pid>: `exe`, `cwd`, `fd/0`.
   * @returns The target as the kernel writes it.
   * @throws {ProcwardError} `Gone` if it ended; else as `Procfs.readlink`.
   */
  readlink(path: string): Promise<string> {
    const handle = this.#open();
    const file = checkString('path', path);
    const procfs = native().Procfs.shared();
    return perform<Buffer>((environment, id) => procfs.readlink(environment, id, SELF, handle, file)).then(String);
  }

  /**
   * Opens a file of /proc/<pid> of this very process.
   *
   * @param path Below /proc/<pid>.
   * @param options As for {@link Procfs.open}.
   * @returns The open file, which outlives this handle.
   * @throws {ProcwardError} `Gone` if it ended; else as {@link Procfs.open}.
   */
  open(path: string, options?: ProcOpenOptions): Promise<ProcFile> {
    const handle = this.#open();
    const file = checkString('path', path);
    const how = toOpenPlan(options);
    const procfs = native().Procfs.shared();
    return perform<Addon.ProcFile>((environment, id) => procfs.openFile(environment, id, SELF, handle, file, how)).then(
      (opened) => new ProcFile(opened),
    );
  }

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
  duplicateFd(targetFd: number): number {
    return unwrap(this.#open().duplicateFd(checkFd('targetFd', targetFd)));
  }

  /**
   * Gives the memory of a dying process back now, instead of when it gets to it: for one that was sent SIGKILL and holds much.
   * Nothing is left to do for one that has exited.
   *
   * Kernel 5.15. Source: process_mrelease(2).
   *
   * @throws {ProcwardError} `Busy` (EINVAL) when it is not dying; `Gone` once it was reaped; `PermissionDenied`; `Unsupported`.
   */
  releaseMemory(): void {
    unwrap(this.#open().releaseMemory());
  }

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
  getResourceLimit(resource: ResourceName): ResourceLimit {
    return toLimit(unwrap(this.#open().getResourceLimit(checkOneOf('resource', resource, RESOURCES))));
  }

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
  setResourceLimit(resource: ResourceName, limit: Partial<ResourceLimit>): ResourceLimit {
    const name = checkOneOf('resource', resource, RESOURCES);
    const { soft, hard } = checkLimit('limit', limit);
    return toLimit(unwrap(this.#open().setResourceLimit(name, soft, hard)));
  }

  /** Lets waiting for it keep the program running, as it does at first. */
  ref(): this {
    return this.#hold(true);
  }

  /** Lets the program end although somebody waits for it. */
  unref(): this {
    return this.#hold(false);
  }

  /** Closes the handle, never the process. What waits for it goes on waiting. A no-op when repeated. */
  close(): void {
    this.#closed = true;
    this.#native.close();
  }

  /** {@link Process.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** How the addon waits for it; a child is reaped, a stranger watched. @internal */
  protected startWait(environment: Addon.Environment, id: number): void {
    this.#open().wait(environment, id);
  }

  /** @internal */
  protected waitOnThread(timeoutMs: number): ReturnType<Addon.Process['waitSync']> {
    return this.#open().waitSync(timeoutMs);
  }

  /** @internal */
  protected get isClosed(): boolean {
    return this.#closed;
  }

  #open(): Addon.Process {
    if (this.#closed) throw closedError('Process');
    return this.#native;
  }

  #hold(held: boolean): this {
    this.#held = held;
    this.#exit?.hold(held);
    return this;
  }

  #watch(): Operation<Addon.ExitRecord> {
    const watch = begin<Addon.ExitRecord>((environment, id) => this.startWait(environment, id));
    watch.hold(this.#held);
    // One that failed is not the answer for those who ask later.
    watch.promise.catch(() => {
      if (this.#exit === watch) this.#exit = undefined;
    });
    return watch;
  }

  /** One operation serves all who wait. */
  #join(): Watch<Exit> {
    if (this.#closed) throw closedError('Process');
    this.#exit ??= this.#watch();
    const watched = this.#exit;
    this.#waiters += 1;
    return {
      promise: watched.promise.then(toExit),
      leave: () => {
        this.#waiters -= 1;
        if (this.#waiters > 0 || !watched.pending) return;
        watched.cancel();
        this.#exit = undefined;
      },
    };
  }
}

function toIdSet([real = 0, effective = 0, saved = 0, filesystem = 0]: readonly number[]): IdSet {
  return { real, effective, saved, filesystem };
}

function checkDecimal(name: string, value: unknown): string {
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value))
    throw invalid(name, value, 'a decimal number as a string');
  return value;
}
