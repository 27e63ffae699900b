// As much of ava as the test files use, for runtimes that ava itself does not run on. `import test from 'ava'` is mapped
// here (see deno.json and bun.json), so that the files run there unchanged. Nothing here is used under Node.

import { inspect, isDeepStrictEqual } from 'node:util';

type Body = (t: Context) => unknown;

/** What a test file registered, in its order. */
export interface Registered {
  readonly title: string;
  readonly body: Body;
  readonly skipped: boolean;
}

export const registered: Registered[] = [];

interface Expectation {
  readonly name?: string;
  readonly code?: string | number;
  readonly message?: string | RegExp;
  readonly instanceOf?: new (...args: never[]) => unknown;
}

/** The `t` of one test. */
export class Context {
  readonly title: string;
  /** How long it may take from now on. */
  limitMs: number;
  readonly #teardowns: (() => unknown)[] = [];
  #assertions = 0;

  constructor(title: string, limitMs: number) {
    this.title = title;
    this.limitMs = limitMs;
  }

  teardown(clean: () => unknown): void {
    this.#teardowns.push(clean);
  }

  timeout(limitMs: number): void {
    this.limitMs = limitMs;
  }

  log(...values: unknown[]): void {
    process.stderr.write(
      `# ${values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' ')}\n`,
    );
  }

  pass(): void {
    this.#assertions += 1;
  }

  is(actual: unknown, expected: unknown, message?: string): void {
    this.#check(Object.is(actual, expected), 'is', [actual, expected], message);
  }

  not(actual: unknown, expected: unknown, message?: string): void {
    this.#check(!Object.is(actual, expected), 'not', [actual, expected], message);
  }

  true(actual: unknown, message?: string): void {
    this.#check(actual === true, 'true', [actual], message);
  }

  false(actual: unknown, message?: string): void {
    this.#check(actual === false, 'false', [actual], message);
  }

  deepEqual(actual: unknown, expected: unknown, message?: string): void {
    this.#check(isDeepStrictEqual(actual, expected), 'deepEqual', [actual, expected], message);
  }

  like(actual: unknown, expected: object, message?: string): void {
    this.#check(isLike(actual, expected), 'like', [actual, expected], message);
  }

  regex(actual: string, expected: RegExp, message?: string): void {
    this.#check(typeof actual === 'string' && expected.test(actual), 'regex', [actual, expected], message);
  }

  notRegex(actual: string, unwanted: RegExp, message?: string): void {
    this.#check(typeof actual === 'string' && !unwanted.test(actual), 'notRegex', [actual, unwanted], message);
  }

  throws(act: () => unknown, expected?: Expectation, message?: string): unknown {
    try {
      act();
    } catch (error) {
      this.#checkError(error, expected, message);
      return error;
    }
    throw this.#failure('throws', ['nothing was thrown', expected], message);
  }

  async throwsAsync(act: Promise<unknown> | (() => Promise<unknown>), expected?: Expectation, message?: string) {
    try {
      await (typeof act === 'function' ? act() : act);
    } catch (error) {
      this.#checkError(error, expected, message);
      return error;
    }
    throw this.#failure('throwsAsync', ['it did not reject', expected], message);
  }

  notThrows(act: () => unknown): void {
    act();
    this.pass();
  }

  async notThrowsAsync(act: Promise<unknown> | (() => Promise<unknown>)): Promise<void> {
    await (typeof act === 'function' ? act() : act);
    this.pass();
  }

  /** Undoes what the test set up, last first. */
  async tearDown(): Promise<void> {
    for (const clean of this.#teardowns.reverse()) await clean();
  }

  /** As ava does, a test that asserted nothing fails. */
  finish(): void {
    if (this.#assertions === 0) throw new Error('it asserted nothing');
  }

  #checkError(error: unknown, expected: Expectation | undefined, message: string | undefined): void {
    const { name, code, message: text, instanceOf } = expected ?? {};
    const given = error as { name?: unknown; code?: unknown; message?: unknown };
    const fits =
      (name === undefined || given.name === name) &&
      (code === undefined || given.code === code) &&
      (text === undefined || (text instanceof RegExp ? text.test(String(given.message)) : given.message === text)) &&
      (instanceOf === undefined || error instanceof instanceOf);
    this.#check(fits, 'error', [error, expected], message);
  }

  #check(holds: boolean, name: string, values: unknown[], message: string | undefined): void {
    this.#assertions += 1;
    if (!holds) throw this.#failure(name, values, message);
  }

  #failure(name: string, values: unknown[], message: string | undefined): Error {
    const shown = values.map((value) => inspect(value, { depth: 4, breakLength: 100 })).join('\n  against ');
    return new Error(`${name}${message === undefined ? '' : ` (${message})`}: ${shown}`);
  }
}

/** True when everything that is expected is there; what else there is does not matter. */
function isLike(actual: unknown, expected: unknown): boolean {
  if (typeof expected !== 'object' || expected === null) return Object.is(actual, expected);
  if (typeof actual !== 'object' || actual === null) return false;
  if (Array.isArray(expected) && (!Array.isArray(actual) || actual.length !== expected.length)) return false;
  const parts = Object.entries(expected);
  if (parts.length === 0 || !isPlain(expected)) return isDeepStrictEqual(actual, expected);
  return parts.every(([key, value]) => isLike((actual as Record<string, unknown>)[key], value));
}

function isPlain(value: object): boolean {
  return Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value));
}

function register(skipped: boolean) {
  return (title: string, body: Body): void => {
    registered.push({ title, body, skipped });
  };
}

const test = Object.assign(register(false), { serial: register(false), skip: register(true) });

// biome-ignore lint/style/noDefaultExport: it stands for a package that has one
export default test;
