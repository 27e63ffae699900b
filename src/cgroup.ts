// A control group, held by its directory.

import type * as Addon from './addon.d.ts';
import {
  checkBoolean,
  checkHandle,
  checkOptions,
  checkSignal,
  checkString,
  checkTimeout,
  checkWait,
  DEFAULT_TIMEOUT_MS,
} from './arguments.ts';
import { perform } from './completions.ts';
import { closedError, unwrap } from './errors.ts';
import { type FreezeLease, type FreezeOptions, type FreezeState, freezeHandles } from './freeze.ts';
import { type CgroupEvent, GroupEvents } from './group-events.ts';
import { type CgroupLimits, type CgroupStats, readLimits, readStats, writeLimits } from './group-limits.ts';
import { checkGroupPath, type GroupMatcher, toMatcher } from './matcher.ts';
import { processesOf, toSubject } from './membership.ts';
import { native } from './native.ts';
import type { Process } from './process.ts';
import { type SignalName, signalNumber } from './signals.ts';

const DEFAULT_GRACE_MS = 5000;

/** The handle of a group that is open. @internal */
export let handleOf: (group: Cgroup) => Addon.Cgroup;

/** Whether it really is a {@link Cgroup}, and has not just its prototype. @internal */
export let isCgroup: (value: unknown) => value is Cgroup;

/** The descriptor of a group's directory, for a spawn. @internal */
export function directoryOf(group: Cgroup): number {
  return unwrap(handleOf(group).describe()).fd;
}

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
export class Cgroup implements Disposable {
  /** Of the hierarchy it is in. */
  readonly version: 1 | 2;
  /** As /proc/<pid>/cgroup writes it, below the hierarchy's root. */
  readonly path: string;
  /** Directory inode; on version 2 the kernel's cgroup id. */
  readonly id: bigint;
  readonly #native: Addon.Cgroup;
  #closed = false;

  static {
    handleOf = (group) => group.#open();
    isCgroup = (value): value is Cgroup => typeof value === 'object' && value !== null && #native in value;
  }

  /** Use {@link Cgroup.open} or {@link Cgroup.create}. @internal */
  constructor(handle: Addon.Cgroup) {
    this.#native = checkHandle(handle, native().Cgroup, 'Cgroup.open, Cgroup.create and Cgroup.of');
    const { version, path, id } = unwrap(handle.describe());
    this.version = version === 1 ? 1 : 2;
    this.path = path;
    this.id = id;
  }

  /**
   * Opens a group.
   *
   * @param path As /proc/<pid>/cgroup writes it, below the hierarchy's root (`/app.slice/x`); `..` is refused.
   * @param hierarchy Default: version 2 wherever it is mounted, else the version 1 freezer.
   * @returns A handle of the group that has this path now.
   * @throws {ProcwardError} `NotFound`; `Unsupported` when the hierarchy is not mounted.
   */
  static open(path: string, hierarchy?: GroupMatcher): Cgroup {
    return new Cgroup(unwrap(native().Cgroup.open(checkGroupPath('path', path), toMatcher(hierarchy))));
  }

  /**
   * Makes a group, whose parent must exist.
   *
   * @param path As {@link Cgroup.open} takes it.
   * @param hierarchy Which tree of groups. Default: version 2 wherever it is mounted, else the version 1 freezer.
   * @returns A handle of the new group.
   * @throws {ProcwardError} code `EEXIST` when it exists already (`isExist()` tells); `PermissionDenied`, with a hint, where groups may not be
   * made; `NotFound` without its parent.
   */
  static create(path: string, hierarchy?: GroupMatcher): Cgroup {
    return new Cgroup(unwrap(native().Cgroup.create(checkGroupPath('path', path), toMatcher(hierarchy))));
  }

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
  static of(process: Process | number, hierarchy?: GroupMatcher): Promise<Cgroup> {
    const { pid, held } = toSubject(process);
    const matcher = toMatcher(hierarchy);
    return perform<Addon.Cgroup>((environment, id) => native().Cgroup.of(environment, id, pid, held, matcher)).then(
      (handle) => new Cgroup(handle),
    );
  }

  /**
   * The group of that name below this one.
   *
   * @param name One component: no `/`, and not `..`.
   * @returns A handle of it, looked up below this handle's directory.
   * @throws {ProcwardError} `NotFound`; `Gone` when this group was removed; `InvalidArgument`.
   */
  child(name: string): Cgroup {
    return new Cgroup(unwrap(this.#open().child(checkString('name', name))));
  }

  /**
   * Makes a group below this one.
   *
   * @param name One component: no `/`, and not `..`.
   * @returns A handle of the new group.
   * @throws {ProcwardError} As {@link Cgroup.create}; `Gone` when this group was removed.
   */
  createChild(name: string): Cgroup {
    return new Cgroup(unwrap(this.#open().createChild(checkString('name', name))));
  }

  /**
   * The names of the groups below this one.
   *
   * @returns Names for {@link Cgroup.child}, in no order: a snapshot.
   * @throws {ProcwardError} `Gone`.
   */
  children(): Promise<string[]> {
    const handle = this.#open();
    return perform((environment, id) => handle.children(environment, id));
  }

  /**
   * Moves a process, with all its threads, into this group. About 10 ms when done rarely: a child that is born here costs
   * nothing ({@link SpawnOptions.cgroup}).
   *
   * @param process A process of which this group's hierarchy may be written; given as a handle, no other that got its
   * pid.
   * @throws {ProcwardError} `Gone` when it ended; `PermissionDenied`; `Busy` when the group has groups below it to which it
   * gives controllers.
   */
  add(process: Process | number): void {
    const handle = this.#open();
    const { pid, held } = toSubject(process);
    unwrap(held === undefined ? handle.add(pid) : handle.addProcess(held));
  }

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
  contains(process: Process | number): boolean {
    const handle = this.#open();
    const { pid, held } = toSubject(process);
    return unwrap(held === undefined ? handle.contains(pid) : handle.containsProcess(held));
  }

  /**
   * The processes in it, and with `recursive` below it. A snapshot: each may have ended since.
   *
   * @param options.recursive Those of the groups below, too. Default false.
   * @returns Pids as our pid namespace numbers them.
   * @throws {ProcwardError} `Gone`; `Unsupported` for a threaded group.
   */
  pids(options?: { recursive?: boolean }): Promise<number[]> {
    const handle = this.#open();
    const { recursive = false } = checkOptions('options', options, ['recursive']);
    checkBoolean('options.recursive', recursive);
    return perform((environment, id) => handle.pids(environment, id, recursive));
  }

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
  processes(options?: { recursive?: boolean }): AsyncIterable<Process> {
    const handle = this.#open();
    const { recursive = false } = checkOptions('options', options, ['recursive']);
    checkBoolean('options.recursive', recursive);
    return processesOf(handle, recursive);
  }

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
  freeze(options?: FreezeOptions): Promise<FreezeLease> {
    return freezeHandles(this, [this.#open()], options);
  }

  /**
   * Thaws the group, whoever froze it.
   *
   * @param options.timeoutMs How long to look at what comes of it; the request is withdrawn at once. Default 3000.
   * @param options.signal Ends that look with an AbortError.
   * @returns Whether a group above it keeps it frozen all the same.
   * @throws {ProcwardError} `Gone`; `PermissionDenied`; `InvalidArgument` for the root; `Unsupported` as {@link Cgroup.freeze}.
   */
  thaw(options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<{ stillFrozenByAncestor: boolean }> {
    const handle = this.#open();
    const { timeoutMs, signal } = checkWait(options, ['timeoutMs', 'signal']);
    return perform<boolean>((environment, id) => handle.thaw(environment, id, timeoutMs), signal).then(
      (stillFrozenByAncestor) => ({ stillFrozenByAncestor }),
    );
  }

  /**
   * What the kernel reports: achieved, not requested. `by` says whose request it is, null when thawed.
   *
   * @returns The state, and who asked for it.
   * @throws {ProcwardError} `Gone`; `Unsupported` as {@link Cgroup.freeze}.
   */
  freezeState(): { readonly state: FreezeState; readonly by: 'self' | 'ancestor' | null } {
    const { state, by } = unwrap(this.#open().freezeState());
    return { state: state as FreezeState, by: (by ?? null) as 'self' | 'ancestor' | null };
  }

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
  kill(options?: { timeoutMs?: number; signal?: AbortSignal; includeSelf?: boolean }): Promise<void> {
    const handle = this.#open();
    const { timeoutMs, signal, includeSelf = false } = checkWait(options, ['timeoutMs', 'signal', 'includeSelf']);
    checkBoolean('options.includeSelf', includeSelf);
    return perform((environment, id) => handle.kill(environment, id, timeoutMs, includeSelf), signal);
  }

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
  }): Promise<void> {
    const handle = this.#open();
    const known = ['killSignal', 'graceMs', 'timeoutMs', 'signal'] as const;
    const { killSignal = 'SIGTERM', graceMs = DEFAULT_GRACE_MS, ...wait } = checkOptions('options', options, known);
    checkTimeout('options.graceMs', graceMs);
    const number = signalNumber('options.killSignal', killSignal);
    const { timeoutMs, signal } = checkWait({ timeoutMs: graceMs + DEFAULT_TIMEOUT_MS, ...wait }, [
      'timeoutMs',
      'signal',
    ]);
    return perform((environment, id) => handle.stop(environment, id, number, graceMs, timeoutMs), signal);
  }

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
  watch(options?: { signal?: AbortSignal }): AsyncIterable<CgroupEvent> {
    const handle = this.#open();
    const { signal } = checkOptions('options', options, ['signal']);
    checkSignal('options.signal', signal);
    return new GroupEvents(unwrap(handle.watch()), signal);
  }

  /**
   * Reads what the group may use at most, whatever the version calls it.
   *
   * A limit whose controller the group does not have is not among the keys of the result; reading it all the same throws
   * `Unsupported`, with a hint that says where that controller is.
   *
   * @returns Bytes, tasks, cores and shares, as the names say; `'max'` is no limit of its own.
   * @throws {ProcwardError} `Unsupported`, with the same hint, when the group can have no limit at all; `Gone`.
   */
  limits(): Promise<CgroupLimits> {
    return readLimits(this.#open());
  }

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
  setLimits(limits: Partial<CgroupLimits>): Promise<void> {
    return writeLimits(this.#open(), limits);
  }

  /**
   * Reads what the group and everything below it use now. Each number is as of its moment.
   *
   * @returns Bytes, tasks and milliseconds, as the names say; null is what its hierarchy does not count.
   * @throws {ProcwardError} `Gone`.
   */
  stats(): Promise<CgroupStats> {
    return readStats(this.#open());
  }

  /**
   * Reads an interface file: `pids.current`.
   *
   * @param name Its name in the group's directory.
   * @returns Its content, with the newline at its end.
   * @throws {ProcwardError} `Unsupported` when this kernel has no such file, `Gone`.
   */
  readFile(name: string): Promise<string> {
    const handle = this.#open();
    const file = checkString('name', name);
    return perform<Buffer>((environment, id) => handle.readFile(environment, id, file)).then(String);
  }

  /**
   * Writes an interface file, in one write(2).
   *
   * @param name Its name in the group's directory.
   * @param value As the kernel's document asks for it.
   * @throws {ProcwardError} as {@link Cgroup.readFile}, and what the kernel answers.
   */
  writeFile(name: string, value: string): Promise<void> {
    const handle = this.#open();
    const file = checkString('name', name);
    const content = checkString('value', value);
    return perform((environment, id) => handle.writeFile(environment, id, file, content));
  }

  /**
   * Removes the group, and with `recursive` everything below it, which must be empty of processes.
   *
   * @param options.timeoutMs How long to bear with a group that is busy still. Default 3000.
   * @param options.recursive What is below, too. Default false.
   * @throws {ProcwardError} `Busy` when processes or groups are left in it; removing one that is gone already is no error.
   */
  remove(options?: { recursive?: boolean; timeoutMs?: number }): Promise<void> {
    const handle = this.#open();
    const { recursive = false, timeoutMs = DEFAULT_TIMEOUT_MS } = checkOptions('options', options, [
      'recursive',
      'timeoutMs',
    ]);
    checkBoolean('options.recursive', recursive);
    checkTimeout('options.timeoutMs', timeoutMs);
    return perform((environment, id) => handle.remove(environment, id, recursive, timeoutMs));
  }

  /** Closes the handle, never the group. A no-op when repeated. */
  close(): void {
    this.#closed = true;
    this.#native.close();
  }

  /** {@link Cgroup.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): Addon.Cgroup {
    if (this.#closed) throw closedError('Cgroup');
    return this.#native;
  }
}
