// What an operation under test is, and what an answer of it is worth.

import { type ErrorKind, ProcwardError } from 'procward';
import type { Errno } from './order.ts';

/** A public operation, and how to see that it was done, or not done at all. */
export interface Operation<S = unknown, T = unknown> {
  /** The members of the public surface that it stands for, as `Cgroup.freeze`. */
  readonly covers: readonly string[];
  /** What distinguishes it from another that stands for the same. */
  readonly how?: string;
  /** Makes what it is done to. */
  readonly before: () => S | Promise<S>;
  readonly act: (subject: S) => T | Promise<T>;
  /** Whether an answer is true. */
  readonly right?: (value: T, subject: S) => unknown;
  /** The kind of its error where it can only fail. */
  readonly expects?: ErrorKind;
  /** Throws when something of an operation that failed is left. */
  readonly undone?: (subject: S) => unknown;
  /** Done anew, it needs another subject: this one is used up, also by an attempt that fails. */
  readonly consumes?: boolean;
  /** Gives back what it answered. */
  readonly release?: (value: T, subject: S) => unknown;
  /** Gives back the subject. */
  readonly after?: (subject: S) => unknown;
}

/** One of them, in a list of all. */
export function operation<S, T>(given: Operation<S, T>): Operation {
  return given as unknown as Operation;
}

export const titleOf = ({ covers, how }: Operation): string =>
  `${covers.join(', ')}${how === undefined ? '' : ` (${how})`}`;

/** How it went. */
export type Outcome<T = unknown> = { readonly value: T } | { readonly error: unknown };

/** `Os` says nothing but what the number says; of these numbers more is known. */
const HAS_A_KIND: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'ENOSYS', 'ESRCH', 'ENOENT', 'EBUSY']);

/** What is wrong with an error, if anything: it is ours, has a kind, and names the fault or what it led to. */
export function flawOf(error: unknown, errno: Errno): string | undefined {
  if (!(error instanceof ProcwardError)) return `not a ProcwardError: ${error instanceof Error ? error.stack : error}`;
  const { kind, code, syscall, message, stage } = error;
  const told = `${kind} ${code}: ${message}`;
  if (kind === 'SpawnFailed' && stage === undefined) return `a start that failed nowhere: ${told}`;
  if (kind !== 'Os' && kind !== 'SpawnFailed') return undefined;
  // Of most that keeps a thread from being started, pthread_create(3) makes this.
  if (syscall === 'clone' && code === 'EAGAIN') return undefined;
  if (code !== errno) return `the fault was ${errno}, and not: ${told}`;
  if (syscall === undefined) return `no call failed: ${told}`;
  if (kind === 'Os' && HAS_A_KIND.has(code)) return `more is known than: ${told}`;
  return undefined;
}
