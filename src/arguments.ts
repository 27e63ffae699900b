// Checks of arguments, made before anything happens: each error names the argument, shows the value, says what is allowed.

import { ProcwardError } from './errors.ts';

/** The largest pid that the kernel can be configured to give. */
const MAX_PID = 2 ** 22;

/** How much of a value, or of a name that came with one, is worth reading in a message. */
const MAX_SHOWN = 300;
/** Bigints that have more have too many digits to be shown, and making those takes seconds in the end. */
const MAX_SHOWN_BITS = 256;

/** @internal */
export function invalid(name: string, value: unknown, expected: string): ProcwardError {
  const error = new ProcwardError({
    kind: 'InvalidArgument',
    message: `"${shorten(name)}" must be ${expected}; received ${show(value)}`,
  });
  Error.captureStackTrace?.(error, invalid);
  return error;
}

function show(value: unknown): string {
  if (typeof value === 'bigint' && value !== BigInt.asIntN(MAX_SHOWN_BITS, value))
    return `a bigint of more than ${MAX_SHOWN_BITS} bits`;
  // Loaded when there is something to complain about: importing it opens a descriptor in some versions of Node.
  const { inspect } = process.getBuiltinModule('node:util');
  const limits = { depth: 1, maxStringLength: 80, maxArrayLength: 5, breakLength: Number.POSITIVE_INFINITY };
  try {
    return shorten(inspect(value, limits));
  } catch {
    // A getter of it throws, or it has the prototype of something that it is not.
    return `${typeof value === 'function' ? 'a function' : 'an object'} that cannot be shown`;
  }
}

function shorten(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
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

/**
 * An options object, or nothing. Unknown names are refused: a misspelt limit must not be ignored, nor a signal that was given without
 * the object around it. What comes back is a copy for which each option was read once, so that what was checked is what is used.
 * @internal
 */
export function checkOptions<T extends object>(
  name: string,
  value: T | undefined,
  known: readonly (keyof T & string)[],
): Partial<T> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof AbortSignal)
    throw invalid(name, value, 'an object');
  const own = Object.keys(value) as (keyof T & string)[];
  const unknown = own.find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw invalid(`${name}.${unknown}`, value[unknown], `left out: it is not one of ${known.join(', ')}`);
  }
  const options: Partial<T> = {};
  // What is no plain object may have inherited some.
  for (const key of Object.getPrototypeOf(value) === Object.prototype ? own : known) {
    const option = value[key];
    if (option !== undefined) options[key] = option;
  }
  return options;
}

/**
 * A copy of an array, with each item checked; a gap is an item that is undefined. Only its length and its items are asked for: its
 * iterator, and what its map() makes, may be anybody's.
 * @internal
 */
export function checkList<T>(
  name: string,
  value: unknown,
  what: string,
  check: (name: string, item: unknown, at: number) => T,
): T[] {
  if (!Array.isArray(value)) throw invalid(name, value, what);
  const { length } = value;
  const checked: T[] = [];
  for (let at = 0; at < length; at += 1) checked.push(check(`${name}[${at}]`, value[at], at));
  return checked;
}

const kindOfView = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get;

/** Whether it really is one, and has not just its prototype. @internal */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && kindOfView?.call(value) === 'Uint8Array';
}

/** @internal */
export function checkSignal(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || isAbortSignal(value)) return value;
  throw invalid(name, value, 'an AbortSignal');
}

/** One that has the prototype only cannot be asked whether it was aborted. */
function isAbortSignal(value: unknown): value is AbortSignal {
  try {
    return value instanceof AbortSignal && typeof Reflect.get(AbortSignal.prototype, 'aborted', value) === 'boolean';
  } catch {
    return false;
  }
}

/** What a constructor is given that nobody but procward calls: a handle of the addon. @internal */
export function checkHandle<T>(
  handle: unknown,
  type: { readonly prototype: T; readonly name: string },
  makers: string,
): T {
  if (typeof handle === 'object' && handle !== null && Object.getPrototypeOf(handle) === type.prototype)
    return handle as T;
  throw new ProcwardError({ kind: 'InvalidArgument', message: `A ${type.name} is not made by new, but by ${makers}` });
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
