// Resource limits: their names, their values, and those of this process.

import type { LimitRecord } from './addon.d.ts';
import { checkOneOf, checkOptions, invalid } from './arguments.ts';
import { unwrap } from './errors.ts';
import { native } from './native.ts';

/** A resource as getrlimit(2) names it, without `RLIMIT_`. */
export type ResourceName =
  | 'as'
  | 'core'
  | 'cpu'
  | 'data'
  | 'fsize'
  | 'locks'
  | 'memlock'
  | 'msgqueue'
  | 'nice'
  | 'nofile'
  | 'nproc'
  | 'rss'
  | 'rtprio'
  | 'rttime'
  | 'sigpending'
  | 'stack';

/** @internal */
export const RESOURCES = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
] as const satisfies readonly ResourceName[];

/** How much of a resource a process may use, in the unit of getrlimit(2): bytes, seconds, or a count. */
export interface ResourceLimit {
  /** The limit in force. */
  readonly soft: bigint | 'infinity';
  /** How far it may be raised without privilege. */
  readonly hard: bigint | 'infinity';
}

/** `RLIM_INFINITY`, as the kernel has it. */
const INFINITY = 2n ** 64n - 1n;

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
export function getResourceLimit(resource: ResourceName): ResourceLimit {
  return toLimit(unwrap(native().getResourceLimit(checkOneOf('resource', resource, RESOURCES))));
}

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
export function setResourceLimit(resource: ResourceName, limit: Partial<ResourceLimit>): ResourceLimit {
  const name = checkOneOf('resource', resource, RESOURCES);
  const { soft, hard } = checkLimit('limit', limit);
  return toLimit(unwrap(native().setResourceLimit(name, soft, hard)));
}

/** The halves that are given, as the addon takes them. @internal */
export function checkLimit(name: string, value: unknown): { soft?: bigint; hard?: bigint } {
  if (typeof value !== 'object' || value === null)
    throw invalid(name, value, 'an object with soft, hard or both of them');
  const { soft, hard } = checkOptions(name, value as Partial<ResourceLimit>, ['soft', 'hard']);
  const limit = {
    ...(soft !== undefined && { soft: checkAmount(`${name}.soft`, soft) }),
    ...(hard !== undefined && { hard: checkAmount(`${name}.hard`, hard) }),
  };
  if (limit.soft !== undefined && limit.hard !== undefined && limit.soft > limit.hard)
    throw invalid(`${name}.soft`, soft, `at most ${name}.hard, which is ${hard}`);
  return limit;
}

function checkAmount(name: string, value: unknown): bigint {
  if (value === 'infinity') return INFINITY;
  if (typeof value !== 'bigint' || value < 0n || value >= INFINITY)
    throw invalid(name, value, `a bigint from 0n to ${INFINITY - 1n}n, or 'infinity'`);
  return value;
}

/** @internal */
export function toLimit({ soft, hard }: LimitRecord): ResourceLimit {
  const amount = (value: bigint) => (value === INFINITY ? 'infinity' : value);
  return { soft: amount(soft), hard: amount(hard) };
}
