// Checks of arguments, made before anything happens: each error names the argument, shows the value, says what is allowed.

import { ProcwardError } from './errors.ts';

/** The largest pid that the kernel can be configured to give. */
const MAX_PID = 2 ** 22;

/** @internal */
export function invalid(name: string, value: unknown, expected: string): ProcwardError {
  // Loaded when there is something to complain about: importing it opens a descriptor in some versions of Node.
  const { inspect } = process.getBuiltinModule('node:util');
  const shown = inspect(value, {
    depth: 1,
    maxStringLength: 80,
    maxArrayLength: 5,
    breakLength: Number.POSITIVE_INFINITY,
  });
  const error = new ProcwardError({
    kind: 'InvalidArgument',
    message: `"${name}" must be ${expected}; received ${shown}`,
  });
  Error.captureStackTrace?.(error, invalid);
  return error;
}

/** @internal */
export function checkInteger(name: string, value: unknown, min: number, max: number, what = 'an integer'): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw invalid(name, value, `${what} from ${min} to ${max}`);
  }
  return value;
}

/** @internal */
export function checkPid(name: string, value: unknown): number {
  return checkInteger(name, value, 1, MAX_PID, 'a process id: an integer');
}

/** @internal */
export function checkFd(name: string, value: unknown): number {
  return checkInteger(name, value, 0, 0x7fff_ffff, 'a descriptor: an integer');
}

/** Milliseconds; `Infinity` is allowed and means never. @internal */
export function checkTimeout(name: string, value: unknown): number {
  if (typeof value !== 'number' || Number.isNaN(value) || value < 0) {
    throw invalid(name, value, 'a number of milliseconds, zero or more (Infinity for never)');
  }
  return value;
}

/** A string that can be given to the kernel: well-formed, without NUL. @internal */
export function checkString(name: string, value: unknown, what = 'a string without NUL bytes'): string {
  if (typeof value !== 'string' || value.includes('\0') || !value.isWellFormed()) throw invalid(name, value, what);
  return value;
}

/** @internal */
export function checkOneOf<T extends string>(name: string, value: unknown, allowed: readonly T[]): T {
  if (!allowed.includes(value as T))
    throw invalid(name, value, `one of ${allowed.map((item) => `'${item}'`).join(', ')}`);
  return value as T;
}

/** How to turn bytes into what was asked for: text in an encoding, or the bytes themselves. @internal */
export function checkEncoding(encoding: undefined): (bytes: Buffer) => Buffer;
export function checkEncoding(encoding: BufferEncoding): (bytes: Buffer) => string;
export function checkEncoding(encoding: BufferEncoding | undefined): (bytes: Buffer) => Buffer | string;
export function checkEncoding(encoding: BufferEncoding | undefined): (bytes: Buffer) => Buffer | string {
  if (encoding === undefined) return (bytes) => bytes;
  if (!Buffer.isEncoding(encoding))
    throw invalid('encoding', encoding, "an encoding of Buffer, like 'utf8', or left out");
  return (bytes) => bytes.toString(encoding);
}

/** @internal */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(name, value, 'a boolean');
  return value;
}

/** An options object, or nothing. Unknown names are refused: a misspelt limit must not be ignored. @internal */
export function checkOptions<T extends object>(
  name: string,
  value: T | undefined,
  known: readonly (keyof T & string)[],
): Partial<T> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null) throw invalid(name, value, 'an object');
  const unknown = Object.keys(value).find((key) => !(known as readonly string[]).includes(key));
  if (unknown !== undefined) {
    throw invalid(`${name}.${unknown}`, value[unknown as keyof T], `left out: it is not one of ${known.join(', ')}`);
  }
  return value;
}

/** @internal */
export function checkSignal(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw invalid(name, value, 'an AbortSignal');
}

/** How long a group may take where nothing else is asked for. @internal */
export const DEFAULT_TIMEOUT_MS = 3000;

/** Options of something that waits: {@link checkOptions} with a deadline, and perhaps a signal. @internal */
export function checkWait<T extends { timeoutMs?: number; signal?: AbortSignal }>(
  options: T | undefined,
  known: readonly (keyof T & string)[],
): Partial<T> & { timeoutMs: number; signal: AbortSignal | undefined } {
  const checked = checkOptions('options', options, known);
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = checked;
  return {
    ...checked,
    timeoutMs: checkTimeout('options.timeoutMs', timeoutMs),
    signal: checkSignal('options.signal', checked.signal),
  };
}
