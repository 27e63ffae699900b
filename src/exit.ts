// How a process ended: the exit as users see it, and the wait status word it is told by.

import type { ExitRecord } from './addon.d.ts';
import { checkInteger } from './arguments.ts';
import { type SignalName, signalName } from './signals.ts';

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
export type Exit =
  | { readonly type: 'exited'; readonly code: number; readonly raw: number; readonly usage: ResourceUsage | null }
  | {
      readonly type: 'signaled';
      readonly signal: SignalName;
      readonly coreDumped: boolean;
      readonly raw: number;
      readonly usage: ResourceUsage | null;
    }
  /** It is gone, and this kernel does not tell a non-parent how (before 6.15). */
  | { readonly type: 'unknown' };

/** What a status word says. */
export type WaitStatus =
  | { readonly type: 'exited'; readonly code: number }
  | { readonly type: 'signaled'; readonly signal: SignalName; readonly coreDumped: boolean }
  /** `trapCause` is the ptrace event when a tracer's trap stopped it, else null. */
  | { readonly type: 'stopped'; readonly signal: SignalName; readonly trapCause: number | null }
  | { readonly type: 'continued' };

const SIGTRAP = 5;

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
export function decodeWaitStatus(raw: number): WaitStatus {
  checkInteger('raw', raw, -(2 ** 31), 2 ** 32 - 1, 'a wait status: an integer');
  const low = raw & 0x7f;
  const second = (raw >> 8) & 0xff;
  if (raw === 0xffff) return { type: 'continued' };
  if ((raw & 0xff) === 0x7f) {
    const event = raw >> 16;
    const trapCause = second === SIGTRAP && event !== 0 ? event : null;
    return { type: 'stopped', signal: signalName(second), trapCause };
  }
  if (low === 0) return { type: 'exited', code: second };
  return { type: 'signaled', signal: signalName(low), coreDumped: (raw & 0x80) !== 0 };
}

/** @internal */
export function toExit({ raw, usage }: ExitRecord): Exit {
  if (raw === undefined) return { type: 'unknown' };
  const status = decodeWaitStatus(raw);
  if (status.type === 'exited' || status.type === 'signaled') return { ...status, raw, usage: toUsage(usage) };
  return { type: 'unknown' };
}

function toUsage(usage: ExitRecord['usage']): ResourceUsage | null {
  if (usage === undefined) return null;
  return {
    userMs: usage[0],
    systemMs: usage[1],
    maxRssBytes: usage[2],
    minorFaults: usage[3],
    majorFaults: usage[4],
    blockInputs: usage[5],
    blockOutputs: usage[6],
    voluntarySwitches: usage[7],
    involuntarySwitches: usage[8],
  };
}
