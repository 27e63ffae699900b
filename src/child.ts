// A process that we started and may reap, with its streams.

import type { ChildProcess } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import type * as Addon from './addon.d.ts';
import { checkHandle } from './arguments.ts';
import { asChildProcess } from './child-process.ts';
import { ProcwardError, unwrap } from './errors.ts';
import { decodeWaitStatus, type WaitStatus } from './exit.ts';
import { native } from './native.ts';
import { Process } from './process.ts';
import { openStream } from './streams.ts';

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
export class Child extends Process implements AsyncDisposable {
  /** Null unless `stdio[0]` is `'pipe'`. */
  readonly stdin: Writable | null;
  /** Null unless `stdio[1]` is `'pipe'`. */
  readonly stdout: Readable | null;
  /** Null unless `stdio[2]` is `'pipe'`. */
  readonly stderr: Readable | null;
  /** All of them by descriptor number; null where it is no pipe. Those above 2 go both ways. */
  readonly stdio: readonly (Readable | Writable | Duplex | null)[];
  readonly #child: Addon.Child;
  readonly #file: string;
  readonly #argv: readonly string[];
  #asChildProcess: ChildProcess | undefined;
  #stopEnding: () => void = () => {};

  /** Use {@link spawn}. @internal */
  constructor(child: Addon.Child, file: string, argv: readonly string[]) {
    super(unwrap(checkHandle(child, native().Child, 'spawn').process()));
    this.#child = child;
    this.#file = file;
    this.#argv = argv;
    const streams = child.takePipes().map((fd, at) => (fd < 0 ? null : openStream(fd, at !== 0, at === 0 || at > 2)));
    const [stdin = null, stdout = null, stderr = null] = streams;
    this.stdin = stdin as Writable | null;
    this.stdout = stdout as Readable | null;
    this.stderr = stderr as Readable | null;
    this.stdio = streams;
    // Watched from birth: a child keeps the program running, and its end stops the timer below.
    // Where waiting itself fails, whoever waits is told.
    const stop = () => this.#stopEnding();
    this.wait().then(stop, stop);
  }

  /**
   * Stopped or continued since last asked; null when neither. Nothing announces it: ask on SIGCHLD, or from time to time.
   *
   * @returns What happened last, or null.
   * @throws {ProcwardError} `Gone` once it was reaped.
   */
  pollState(): WaitStatus | null {
    const status = unwrap(this.#child.pollState());
    return status === undefined || status === null ? null : decodeWaitStatus(status);
  }

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
  toChildProcess(): ChildProcess {
    this.#asChildProcess ??= asChildProcess(this, this.#file, this.#argv);
    return this.#asChildProcess;
  }

  /** Ends it when the signal fires or the time is over, unless it ended before. @internal */
  endWhen(signal: AbortSignal | undefined, killSignal: number, timeoutMs: number): void {
    const end = () => this.#signalIfAlive(killSignal);
    const timer = Number.isFinite(timeoutMs) ? setTimeout(end, Math.min(timeoutMs, 2 ** 31 - 1)) : undefined;
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted) end();
    this.#stopEnding = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    };
  }

  /** Kills it if it still runs, reaps it, closes its streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (!this.isClosed) {
        this.#signalIfAlive(9);
        await this.wait();
      }
    } finally {
      // Also of a child that may not be ended: nothing else closes them.
      for (const stream of this.stdio) stream?.destroy();
    }
    this.close();
  }

  /** Closes the handle, never the process, which is reaped all the same. Its streams stay open. A no-op when repeated. */
  override close(): void {
    super.close();
    this.#child.close();
  }

  /** @internal */
  protected override startWait(environment: Addon.Environment, id: number): void {
    this.#child.wait(environment, id);
  }

  /** @internal */
  protected override waitOnThread(timeoutMs: number): ReturnType<Addon.Child['waitSync']> {
    return this.#child.waitSync(timeoutMs);
  }

  #signalIfAlive(signal: number): void {
    try {
      this.signal(signal);
    } catch (error) {
      // It ended first, or its handle was closed: there is nothing left to end.
      if (!(error instanceof ProcwardError) || (error.kind !== 'Gone' && error.kind !== 'Closed')) throw error;
    }
  }
}
