// The one error class, how a failure of the core becomes one, and predicates over error codes.

import type { Failure } from './addon.d.ts';
import type { FeatureName } from './features.ts';
import type { SpawnStage } from './spawn/options.ts';

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
export type ErrorKind =
  | 'Gone'
  | 'NotFound'
  | 'PermissionDenied'
  | 'InvalidArgument'
  | 'Busy'
  | 'Unsupported'
  | 'Overmount'
  | 'NotProcfs'
  | 'MagicLink'
  | 'Escape'
  | 'Masked'
  | 'Stale'
  | 'SelfProtected'
  | 'TimedOut'
  | 'Leftovers'
  | 'Frozen'
  | 'SpawnFailed'
  | 'TrackingUnavailable'
  | 'CannotTrack'
  | 'Closed'
  | 'Os';

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
export class ProcwardError extends Error {
  /** What can be done about it. */
  readonly kind: ErrorKind;
  /** `'ESRCH'` as Node writes it, or `'ERR_PROCWARD_…'` when no system call failed. */
  readonly code: string;
  /** Negative, as in Node's SystemError. Absent when no system call failed. */
  declare readonly errno?: number;
  /** The system call that failed, by its name in section 2 of the manual. */
  declare readonly syscall?: string;
  /** The file it was about. */
  declare readonly path?: string;
  /** The process it was about. */
  declare readonly pid?: number;
  /** How far a spawn came. Present for kind `SpawnFailed`. */
  declare readonly stage?: SpawnStage;
  /** What is missing. Present for kind `Unsupported` when it has a name. */
  declare readonly feature?: FeatureName;
  /** What to do about it. */
  declare readonly hint?: string;
  /** Pids that survived or blocked (kinds `TimedOut` and `Leftovers`). */
  declare readonly processes?: readonly Bystander[];

  constructor(fields: ProcwardErrorFields) {
    const { kind, message, code, cause, ...details } = checkFields(fields);
    super(details.hint === undefined ? message : `${message}; ${details.hint}`, cause === undefined ? {} : { cause });
    this.kind = kind;
    this.code = code ?? `ERR_PROCWARD_${kind.replace(/\B[A-Z]/g, '_$&').toUpperCase()}`;
    for (const [name, value] of Object.entries(details)) {
      if (value !== undefined) Object.defineProperty(this, name, { value, enumerable: true });
    }
  }
}
/** Programs make some, too, for their tests. */
function checkFields(fields: ProcwardErrorFields): ProcwardErrorFields {
  const copy = typeof fields === 'object' && fields !== null ? { ...fields } : undefined;
  const hint = typeof copy?.hint;
  if (typeof copy?.kind === 'string' && typeof copy.message === 'string' && (hint === 'string' || hint === 'undefined'))
    return copy;
  throw new ProcwardError({
    kind: 'InvalidArgument',
    message: '"fields" must be an object with a kind and a message: text',
  });
}
Object.defineProperty(ProcwardError.prototype, 'name', { value: 'ProcwardError', configurable: true, writable: true });

/** @internal */
export function isFailure(outcome: unknown): outcome is Failure {
  return typeof outcome === 'object' && outcome !== null && 'failure' in outcome;
}

/** @internal */
export function toError({ failure, ...fields }: Failure): ProcwardError {
  // The addon's strings come from the same closed lists as these types; a test compares the two.
  return new ProcwardError({ kind: failure as ErrorKind, ...(fields as Omit<ProcwardErrorFields, 'kind'>) });
}

/**
 * The value of a synchronous call, or the error thrown from here so that its stack shows who called.
 * @internal
 */
export function unwrap<T>(outcome: T | Failure): T {
  if (!isFailure(outcome)) return outcome;
  const error = toError(outcome);
  Error.captureStackTrace?.(error, unwrap);
  throw error;
}

/**
 * What Node's own functions reject with when their signal fires.
 * @internal
 */
export function abortError(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return Object.assign(error, { code: 'ABORT_ERR' });
}

/** @internal */
export function closedError(what: string): ProcwardError {
  const error = new ProcwardError({ kind: 'Closed', message: `This ${what} was closed before` });
  Error.captureStackTrace?.(error, closedError);
  return error;
}

/** Whatever was caught may have getters that throw, and this is asked where errors are handled. */
function hasCode(error: unknown, ...codes: string[]): boolean {
  try {
    return typeof error === 'object' && error !== null && 'code' in error && codes.includes(error.code as string);
  } catch {
    return false;
  }
}

function isOurs(error: unknown, kind: ErrorKind): boolean {
  try {
    return error instanceof ProcwardError && error.kind === kind;
  } catch {
    return false;
  }
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
export function isNotExist(error: unknown): boolean {
  return hasCode(error, 'ENOENT');
}

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
export function isPermission(error: unknown): boolean {
  return hasCode(error, 'EACCES', 'EPERM');
}

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
export function isExist(error: unknown): boolean {
  return hasCode(error, 'EEXIST', 'ENOTEMPTY');
}

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
export function isUnsupported(error: unknown): boolean {
  return isOurs(error, 'Unsupported') || hasCode(error, 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP');
}

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
export function isTemporary(error: unknown): boolean {
  return hasCode(error, 'EINTR', 'EMFILE', 'ENFILE') || isTimeout(error);
}

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
export function isTimeout(error: unknown): boolean {
  return isOurs(error, 'TimedOut') || hasCode(error, 'EAGAIN', 'EWOULDBLOCK', 'ETIMEDOUT');
}
