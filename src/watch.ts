// Waiting that can be given up: by those who wait, without disturbing the others.

import { abortError } from './errors.ts';

/** One who waits for something. @internal */
export interface Watch<T> {
  readonly promise: Promise<T>;
  /** To be called once. When the last one leaves before the promise settled, nothing is watched any more. */
  leave(): void;
}

/**
 * Settles as `answer` does, or rejects when the signal fires first; in any case the watches are left then.
 * @internal
 */
export function untilAborted<T>(
  answer: Promise<T>,
  watches: readonly Watch<unknown>[],
  signal?: AbortSignal,
): Promise<T> {
  let left = false;
  return new Promise((resolve, reject) => {
    const leave = () => {
      if (left) return;
      left = true;
      signal?.removeEventListener('abort', abort);
      for (const watch of watches) watch.leave();
    };
    const abort = () => {
      leave();
      if (signal !== undefined) reject(abortError(signal));
    };
    signal?.addEventListener('abort', abort, { once: true });
    answer.then(resolve, reject).finally(leave);
  });
}
