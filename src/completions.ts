// Operations under way on the background thread, and how their promises settle.

import type { Environment } from './addon.d.ts';
import { abortError, isFailure, toError } from './errors.ts';
import { native } from './native.ts';

/**
 * An operation that was started. Its promise settles once; `cancel` asks it to stop and undo.
 * @internal
 */
export interface Operation<T> {
  readonly promise: Promise<T>;
  /** Whether it has not settled yet. */
  readonly pending: boolean;
  cancel(): void;
  /** Whether it keeps the program running until it settles. True at first. */
  hold(held: boolean): void;
}

interface Pending {
  settle(outcome: unknown): void;
  held: boolean;
}

const pending = new Map<number, Pending>();
let environment: Environment | undefined;
let lastId = 0;
let holders = 0;
/** The longest interval there is: its only purpose is to be referenced while somebody waits. */
let heartbeat: NodeJS.Timeout | undefined;

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
  if (signal?.aborted) return settled(Promise.reject(abortError(signal)));
  environment ??= new (native().Environment)(drain);
  const here = environment;
  const id = nextId();
  const cancel = () => here.cancel(id);
  const entry: Pending = { held: false, settle: () => {} };
  const site: { stack?: string } = {};
  Error.captureStackTrace?.(site, entrance);

  const forget = () => {
    hold(entry, false);
    pending.delete(id);
    signal?.removeEventListener('abort', cancel);
  };

  const promise = new Promise<T>((resolve, reject) => {
    entry.settle = (outcome) => {
      forget();
      if (!isFailure(outcome)) resolve(outcome as T);
      else if (signal?.aborted && outcome.failure === 'Closed') reject(abortError(signal));
      else reject(withCallSite(toError(outcome), site));
    };
  });
  pending.set(id, entry);
  hold(entry, true);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    start(here, id);
  } catch (error) {
    // Nothing was started, so nothing will be delivered, and nothing may keep the program running for it.
    forget();
    throw error;
  }
  return {
    promise,
    cancel,
    hold: (held) => hold(entry, held && pending.has(id)),
    get pending() {
      return pending.has(id);
    },
  };
}

const settled = <T>(promise: Promise<T>): Operation<T> => ({
  promise,
  pending: false,
  cancel: () => {},
  hold: () => {},
});

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

function hold(entry: Pending, held: boolean): void {
  if (entry.held === held) return;
  entry.held = held;
  holders += held ? 1 : -1;
  heartbeat ??= setInterval(() => {}, 0x7fff_ffff);
  if (holders > 0) heartbeat.ref();
  else heartbeat.unref();
}

/** An error built when a result arrives knows nothing of the caller; the stack taken at the call does. */
function withCallSite<E extends Error>(error: E, site: { stack?: string }): E {
  const frames = site.stack?.split('\n').slice(1).join('\n');
  if (frames) error.stack = `${error.name}: ${error.message}\n${frames}`;
  return error;
}
