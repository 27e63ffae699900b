// Catches the error of a call that must fail, so that its fields can be compared.

import { ProcwardError } from 'procward';

/** The ProcwardError that a synchronous call throws. */
export function thrownBy(action: () => unknown): ProcwardError {
  let value: unknown;
  try {
    value = action();
  } catch (error) {
    return ours(error);
  }
  if (value instanceof Promise) value.catch(() => {});
  throw new Error('expected a ProcwardError to be thrown at once');
}

/** The ProcwardError that a promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<ProcwardError> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return ours(error);
  }
  throw new Error('expected a ProcwardError to be rejected with', { cause: value });
}

function ours(error: unknown): ProcwardError {
  if (error instanceof ProcwardError) return error;
  throw new Error(`expected a ProcwardError, not ${String(error)}`, { cause: error });
}
