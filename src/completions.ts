// Operations under way on the background thread, and how their promises settle.

import type { Environment } from './addon.d.ts';
import { abortError, isFailure, toError } from './errors.ts';
import { native } from './native.ts';

const pending = new Map<number, Operation<unknown>>();
let environment: Environment | undefined;
let lastId = 0;
let holders = 0;
/** The longest interval there is: its only purpose is to be referenced while somebody waits. */
let heartbeat: NodeJS.Timeout | undefined;

/**
 * An operation that was started. It is made of methods, since to make closures takes longer, and holds the thread.
 * @internal
 */
export class Operation<T> {
  /** Settles once. */
  readonly promise: Promise<T>;
  readonly #id = nextId();
  readonly #signal: AbortSignal | undefined;
  readonly #site: { stack?: string } = {};
  #resolve!: (value: T) => void;
  #reject!: (error: Error) => void;
  #held = false;

  /** @internal */
  constructor(signal: AbortSignal | undefined, entrance: (...args: never[]) => unknown) {
    Error.captureStackTrace?.(this.#site, entrance);
    this.#signal = signal;
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Whether it has not settled yet. */
  get pending(): boolean {
    return pending.has(this.#id);
  }

  /** @internal */
  start(start: (environment: Environment, id: number) => void): void {
    if (this.#signal?.aborted) {
      this.#reject(abortError(this.#signal));
      return;
    }
    environment ??= new (native().Environment)(drain);
    // First, because it may be a function of somebody else's and throw.
    this.#signal?.addEventListener('abort', this, { once: true });
    pending.set(this.#id, this as Operation<unknown>);
    this.hold(true);
    try {
      start(environment, this.#id);
    } catch (error) {
      // Nothing was started, so nothing will be delivered, and nothing may keep the program running for it.
      this.#forget();
      throw error;
    }
  }

  /** Asks it to stop and undo. */
  cancel(): void {
    environment?.cancel(this.#id);
  }

  /** The signal fired. @internal */
  handleEvent(): void {
    this.cancel();
  }

  /** Whether it keeps the program running until it settles. True at first. */
  hold(held: boolean): void {
    const holds = held && this.pending;
    if (this.#held === holds) return;
    this.#held = holds;
    holders += holds ? 1 : -1;
    heartbeat ??= setInterval(() => {}, 0x7fff_ffff);
    if (holders > 0) heartbeat.ref();
    else heartbeat.unref();
  }

  /** @internal */
  settle(outcome: unknown): void {
    this.#forget();
    if (!isFailure(outcome)) this.#resolve(outcome as T);
    else if (this.#signal?.aborted && outcome.failure === 'Closed') this.#reject(abortError(this.#signal));
    else this.#reject(withCallSite(toError(outcome), this.#site));
  }

  #forget(): void {
    pending.delete(this.#id);
    this.hold(false);
    this.#signal?.removeEventListener('abort', this);
  }
}

/**
 * Starts an operation. `start` receives this thread's environment and the number under which to deliver.
 *
 * When the signal fires the operation is told to stop; the promise rejects with an AbortError once everything is undone,
 * or resolves when the operation was faster.
 *
 * @param entrance The function whose caller is at the top of the stack of an error.
 * @internal
 */
export function begin<T>(
  start: (environment: Environment, id: number) => void,
  signal?: AbortSignal,
  entrance: (...args: never[]) => unknown = begin,
): Operation<T> {
  const operation = new Operation<T>(signal, entrance);
  operation.start(start);
  return operation;
}

/** Zero is left out, and numbers in use are skipped: a wait may outlive four thousand million others. */
function nextId(): number {
  do lastId = (lastId + 1) >>> 0 || 1;
  while (pending.has(lastId));
  return lastId;
}

/** {@link begin} for callers that need the promise only. @internal */
export function perform<T>(start: (environment: Environment, id: number) => void, signal?: AbortSignal): Promise<T> {
  return begin<T>(start, signal, perform).promise;
}

function drain(): void {
  const batch = environment?.drain() ?? [];
  for (let at = 0; at < batch.length; at += 2) pending.get(batch[at] as number)?.settle(batch[at + 1]);
}

/** An error built when a result arrives knows nothing of the caller; the stack taken at the call does. */
function withCallSite<E extends Error>(error: E, site: { stack?: string }): E {
  const frames = site.stack?.split('\n').slice(1).join('\n');
  if (frames) error.stack = `${error.name}: ${error.message}\n${frames}`;
  return error;
}
