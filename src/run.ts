// Running a program to its end, and what it wrote.

import type * as Addon from './addon.d.ts';
import { checkInteger, checkOptions, checkSignal, checkTimeout, invalid, isBytes } from './arguments.ts';
import { begin } from './completions.ts';
import { abortError, ProcwardError, unwrap } from './errors.ts';
import { type Exit, toExit } from './exit.ts';
import { native } from './native.ts';
import { signalNumber } from './signals.ts';
import { SPAWN_OPTIONS, type SpawnOptions } from './spawn/options.ts';
import { type Prepared, prepare, withGroups } from './spawn/plan.ts';
import { PIPE } from './spawn/stdio.ts';

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

type Answer = [Addon.ExitRecord, Buffer, Buffer];

const RUN_OPTIONS = [...SPAWN_OPTIONS, 'input', 'maxBufferBytes'] as const;
const DEFAULT_MAX_BUFFER_BYTES = 64 * 1024 * 1024;

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
export function run(file: string, args: readonly string[] = [], options?: RunOptions): Promise<RunResult> {
  const { prepared, bounds, signal } = prepareRun(file, args, options);
  if (signal?.aborted) return Promise.reject(abortError(signal));
  const running = withGroups(
    prepared,
    (plan) =>
      begin<Answer>((environment, id) => native().run(environment, id, plan, prepared.entered, bounds), signal, run)
        .promise,
  );
  return running instanceof ProcwardError ? Promise.reject(running) : running.then(toResult);
}

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
export function runSync(file: string, args: readonly string[] = [], options?: RunOptions): RunResult {
  const { prepared, bounds, signal } = prepareRun(file, args, options);
  if (signal !== undefined)
    throw invalid('options.signal', signal, 'left out: nothing can fire it while this thread waits; see timeoutMs');
  const ran = withGroups(prepared, (plan) => native().runSync(plan, prepared.entered, bounds));
  if (!(ran instanceof ProcwardError)) return toResult(unwrap(ran));
  Error.captureStackTrace?.(ran, runSync);
  throw ran;
}

function prepareRun(file: string, args: readonly string[], options: RunOptions | undefined) {
  const checked = checkOptions('options', options, RUN_OPTIONS);
  const prepared: Prepared = prepare(file, args, checked);
  const further = prepared.plan.stdio.findIndex((descriptor, at) => at > 2 && descriptor === PIPE);
  if (further > 0)
    throw invalid(`options.stdio[${further}]`, 'pipe', 'something else than a pipe: only 1 and 2 are collected');
  const { input, maxBufferBytes = DEFAULT_MAX_BUFFER_BYTES, timeoutMs = Number.POSITIVE_INFINITY } = checked;
  if (input !== undefined && prepared.plan.stdio[0] !== PIPE)
    throw invalid('options.input', input, "left out unless options.stdio[0] is 'pipe'");
  const bounds: Addon.BoundsPlan = {
    input: toBytes(input),
    maxBufferBytes:
      maxBufferBytes === Number.POSITIVE_INFINITY
        ? Number.MAX_SAFE_INTEGER
        : checkInteger('options.maxBufferBytes', maxBufferBytes, 0, Number.MAX_SAFE_INTEGER),
    timeoutMs: checkTimeout('options.timeoutMs', timeoutMs),
    killSignal: signalNumber('options.killSignal', checked.killSignal ?? 'SIGTERM'),
  };
  return { prepared, bounds, signal: checkSignal('options.signal', checked.signal) };
}

function toBytes(input: unknown): Uint8Array {
  if (input === undefined) return new Uint8Array();
  if (typeof input === 'string') return Buffer.from(input);
  if (isBytes(input)) return input;
  throw invalid('options.input', input, 'a string or a Uint8Array');
}

function toResult([exit, stdout, stderr]: Answer): RunResult {
  return { exit: toExit(exit), stdout, stderr };
}
