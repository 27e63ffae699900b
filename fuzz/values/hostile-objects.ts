// Objects that betray whoever reads them: traps, getters and conversions that throw, or answer otherwise the second time.

import type { Random } from './random.ts';

/** What a hostile value throws: procward may let it pass, since it is the caller's own. */
export class Hostility extends Error {
  override readonly name = 'Hostility';
}

const TRAPS = [
  'get',
  'has',
  'ownKeys',
  'getOwnPropertyDescriptor',
  'getPrototypeOf',
  'set',
  'deleteProperty',
  'apply',
] as const;

/** Around an object or a function: one of its traps throws. */
export function trapped(random: Random, target: object): object {
  const trap = random.pick(TRAPS);
  const handler = {
    [trap]: () => {
      throw new Hostility(`the trap ${trap}`);
    },
  };
  return new Proxy(target, handler);
}

/** A property that is one value when read first, and another from then on. */
export function flip(target: object, key: PropertyKey, first: unknown, then: unknown): void {
  let reads = 0;
  const get = () => {
    reads += 1;
    return reads === 1 ? first : then;
  };
  Object.defineProperty(target, key, { get, enumerable: true, configurable: true });
}

/** A property that throws when it is read. */
export function mine(target: object, key: PropertyKey): void {
  const get = () => {
    throw new Hostility(`the getter of ${String(key)}`);
  };
  Object.defineProperty(target, key, { get, enumerable: true, configurable: true });
}

/** Aborts a moment after it was made. */
export function lateSignal(): AbortSignal {
  const controller = new AbortController();
  setImmediate(() => controller.abort());
  return controller.signal;
}

export function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

const throws = (what: string) => () => {
  throw new Hostility(what);
};

class OddList extends Array<unknown> {
  // What is made of it by map() and the like is no list at all.
  static override get [Symbol.species](): ArrayConstructor {
    return Object as unknown as ArrayConstructor;
  }
}

class OddMap extends Array<unknown> {
  override map<T>(): T[] {
    return 'no list' as unknown as T[];
  }
}

export const treacherous: readonly ((random: Random) => unknown)[] = [
  (random) => trapped(random, {}),
  (random) => trapped(random, []),
  (random) => trapped(random, () => undefined),
  (random) => trapped(random, ['x']),
  (random) => revoked(random.pick<object>([{}, [], () => undefined])),
  () => new Proxy({}, {}),
  () => new Proxy(['a', 'b'], {}),
  (random) => {
    const target = {};
    mine(
      target,
      random.pick([
        'length',
        'signal',
        'timeoutMs',
        'pid',
        'fd',
        'then',
        'constructor',
        Symbol.iterator,
        Symbol.toStringTag,
      ]),
    );
    return target;
  },
  () => ({ toString: throws('toString'), valueOf: throws('valueOf') }),
  () => ({ [Symbol.toPrimitive]: throws('toPrimitive') }),
  () => ({ toString: () => 'status', valueOf: () => 1 }),
  () => ({ [Symbol.iterator]: throws('iterator') }),
  () => ({ [Symbol.iterator]: () => ({ next: throws('next'), return: throws('return') }) }),
  () => ({ [Symbol.iterator]: () => ({}) }),
  () => ({ [Symbol.iterator]: 1 }),
  () => ({
    get code() {
      throw new Hostility('code');
    },
  }),
  () => ({ code: Object.create(null) }),
  () => ({ code: { toString: throws('code.toString') } }),
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what this is
  () => ({ then: (resolve: (value: unknown) => void) => resolve('thenable') }),
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what this is
  () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject(new Hostility('a thenable')) }),
  () => OddList.from(['a', 'b']),
  () => OddMap.from(['a', 'b']),
  () => Object.assign(['a'], { [Symbol.iterator]: throws('the iterator of a list') }),
];
