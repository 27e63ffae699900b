// Processes put where systemd tracks them.

import type * as Addon from './addon.d.ts';
import {
  checkBoolean,
  checkList,
  checkOneOf,
  checkOptions,
  checkPid,
  checkSignal,
  checkString,
  checkTimeout,
  invalid,
} from './arguments.ts';
import { perform } from './completions.ts';
import { unwrap } from './errors.ts';
import { native } from './native.ts';
import { isProcess, nativeOf, type Process } from './process.ts';

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
  bus?: 'auto' | 'session' | 'system';
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
  readonly bus: 'session' | 'system';
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

const OPTIONS = [
  'name',
  'processes',
  'description',
  'slice',
  'delegate',
  'properties',
  'bus',
  'timeoutMs',
  'signal',
] as const;
const BUSES = ['auto', 'session', 'system'] as const;
const CREATION_MS = 10_000;
/** As long as other programs wait for an answer on D-Bus. */
const ANSWER_MS = 25_000;
/** Of the 255 bytes that a name may have, the id and ".scope" take the rest. */
const UNIT = /^(?!@)[\w:.\\@-]{1,212}$/;
const SLICE = /^(?:-|[\w:.\\]+(?:-[\w:.\\]+)*)\.slice$/;

class Scope implements TransientScope {
  readonly unit: string;
  readonly cgroupPath: string;
  readonly bus: 'session' | 'system';
  readonly #native: Addon.Scope;

  constructor(handle: Addon.Scope) {
    const { unit, cgroupPath, bus } = handle.describe();
    this.unit = unit;
    this.cgroupPath = cgroupPath;
    this.bus = bus === 'session' ? 'session' : 'system';
    this.#native = handle;
  }

  stop(): Promise<void> {
    return perform((environment, id) => this.#native.stop(environment, id));
  }

  freeze(): Promise<void> {
    return perform((environment, id) => this.#native.freeze(environment, id, ANSWER_MS));
  }

  thaw(): Promise<void> {
    return perform((environment, id) => this.#native.thaw(environment, id, ANSWER_MS));
  }
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
export function createTransientScope(options: TransientScopeOptions): Promise<TransientScope> {
  return createScope(options);
}

/** The same, at a manager that none of the public words means. @internal */
export function createScope(options: TransientScopeOptions, manager?: 'session-first'): Promise<TransientScope> {
  if (options === undefined) throw invalid('options', options, 'an object');
  const checked = checkOptions('options', options, OPTIONS);
  const { processes = [process.pid], bus = 'auto', timeoutMs = CREATION_MS, signal, delegate = false } = checked;
  checkOneOf('options.bus', bus, BUSES);
  checkTimeout('options.timeoutMs', timeoutMs);
  checkSignal('options.signal', signal);
  const plan = {
    name: checkMatch('options.name', checked.name, UNIT, 'letters, digits and :-_.\\@, 212 at most and not first an @'),
    delegate: checkBoolean('options.delegate', delegate),
    properties: toProperties(checked.properties),
    ...(checked.description !== undefined && {
      description: checkString('options.description', checked.description),
    }),
    ...(checked.slice !== undefined && {
      slice: checkMatch('options.slice', checked.slice, SLICE, "a slice: 'a.slice', or 'a-b.slice' for one below it"),
    }),
    ...(bus !== 'auto' && { bus }),
    ...(manager !== undefined && { bus: manager }),
  };
  return withHandles(processes, (handles) =>
    perform<Addon.Scope>(
      (environment, id) => unwrap(native().createScope(environment, id, plan, handles, timeoutMs)),
      signal,
    ),
  ).then((handle) => new Scope(handle));
}

/** Numbers are resolved once, here; what was opened for that is closed when the addon has taken its own share. */
function withHandles<T>(processes: unknown, use: (handles: Addon.Process[]) => T): T {
  const expected = 'an array of Process or pid, with one at least';
  const targets = checkList('options.processes', processes, expected, (name, item) =>
    isProcess(item) ? nativeOf(item) : checkPid(name, item),
  );
  if (targets.length === 0) throw invalid('options.processes', processes, expected);
  const opened: Addon.Process[] = [];
  try {
    const handles = targets.map((target) => {
      if (typeof target !== 'number') return target;
      const handle = unwrap(native().Process.open(target, false));
      opened.push(handle);
      return handle;
    });
    return use(handles);
  } finally {
    for (const handle of opened) handle.close();
  }
}

function toProperties(properties: TransientScopeOptions['properties'] = {}): Addon.PropertyPlan[] {
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) {
    throw invalid('options.properties', properties, 'an object');
  }
  return Object.entries(properties).map(([name, value]) => {
    const what = `options.properties.${name}`;
    if (!/^[A-Za-z0-9]+$/.test(name)) throw invalid(what, value, 'left out: this is no name of a property');
    return { name, ...toValue(what, value) };
  });
}

function toValue(name: string, value: unknown): Omit<Addon.PropertyPlan, 'name'> {
  if (typeof value === 'string') return { text: checkString(name, value) };
  if (typeof value === 'boolean') return { flag: value };
  if (typeof value === 'bigint' && value === BigInt.asIntN(65, value)) return { number: value };
  if (typeof value === 'number' && Number.isSafeInteger(value)) return { number: BigInt(value) };
  if (Array.isArray(value))
    return { list: checkList(name, value, 'an array of strings', (at, item) => checkString(at, item)) };
  throw invalid(name, value, 'a string, a boolean, a safe integer, a bigint of 64 bits, or an array of strings');
}

function checkMatch(name: string, value: unknown, pattern: RegExp, what: string): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw invalid(name, value, what);
  return value;
}
