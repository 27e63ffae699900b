// Closes whatever a call has returned, so that nothing is left of it.

import { Cgroup, Child, Process, ProcFile, Procfs } from 'procward';
import { isFailure } from '../../src/errors.ts';
import * as Addon from './addon.ts';
import { Hostility } from './hostile-objects.ts';

interface Releasable {
  release(): Promise<void>;
}

export async function letGo(value: unknown): Promise<void> {
  if (typeof value !== 'object' || value === null || isFailure(value)) return;
  Addon.letGo(value);
  if (value instanceof Child && value.constructor === Child) await value[Symbol.asyncDispose]();
  else if ([Process, ProcFile, Procfs, Cgroup].some((type) => value instanceof type)) close(value as Disposable);
  else if (isLease(value)) await value.release().catch(() => {});
  else if (Symbol.asyncIterator in value) await endLoop(value as AsyncIterable<unknown>);
}

/** One that was made of something that is no handle cannot be closed. */
function close(handle: Disposable): void {
  try {
    handle[Symbol.dispose]();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Hostility)) throw error;
  }
}

function isLease(value: object): value is Releasable {
  return 'release' in value && typeof value.release === 'function' && 'group' in value;
}

/** One step of it and no more. */
async function endLoop(loop: AsyncIterable<unknown>): Promise<void> {
  const iterator = loop[Symbol.asyncIterator]();
  const step = iterator.next().then(
    ({ value }) => letGo(value),
    () => undefined,
  );
  await Promise.race([step, new Promise(setImmediate)]);
  await iterator.return?.();
  await step;
}
