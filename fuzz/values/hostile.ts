// Values that nobody expects: what JavaScript can make of a value, and what it can make of the reading of one.

import { inspect } from 'node:util';
import { ProcwardError } from 'procward';
import { hostileBytes } from './hostile-bytes.ts';
import { Hostility, lateSignal, treacherous } from './hostile-objects.ts';
import type { Random } from './random.ts';

type Make = (random: Random) => unknown;

const NUMBERS = [
  ...[Number.NaN, 0, -0, 1, -1, 3, 64, 65, 1.5, -0.5, 4096, 65_536],
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_VALUE, Number.MIN_VALUE],
  ...[2 ** 22, 2 ** 22 + 1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32 - 1, 2 ** 32],
  ...[2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, -(2 ** 53), 2 ** 63, 2 ** 64],
];
const BIGINTS = [
  0n,
  1n,
  -1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n,
  -(2n ** 63n),
  -(2n ** 64n),
  2n ** 4096n,
];
/** None is the name of a program or of a file that it would matter to open. */
const STRINGS = [
  ...[
    '',
    ' ',
    '.',
    '..',
    '/',
    '//',
    '../..',
    'a/../b',
    '/..',
    '/.',
    'a/',
    './a',
    '%s%n',
    '\n',
    '\t',
    '=',
    'a=b',
    ',',
    ':',
  ],
  ...['\0', 'a\0b', '\ud800', 'x\udc00y', '\udbff\udfff', 'ä', '\u202e', '\uffff', '\u{1f9ca}', 'e\u0301'],
  ...[
    'max',
    'infinity',
    'Infinity',
    'NaN',
    '-1',
    '0',
    '1',
    '0x10',
    '1e3',
    '9'.repeat(20),
    'null',
    'undefined',
    'self',
    'root',
  ],
  ...['toString', '__proto__', 'constructor', 'hasOwnProperty', 'then', 'length', 'failure'],
  ...[
    'SIGTERM',
    'sigterm',
    'SIGRTMIN+99',
    'utf8',
    'utf-16le',
    'base64url', // Like all of these no program, which exec would become.
    'pipe',
    'inherit',
    'foo',
    'foo_bar',
    'snap.foo.app',
  ],
];
const LONG = [
  'x'.repeat(256),
  'x'.repeat(5000),
  '/x'.repeat(5000),
  'ä'.repeat(70_000),
  'x'.repeat(2 ** 20),
  '\0'.repeat(2 ** 16),
];

const primitives: readonly Make[] = [
  () => undefined,
  () => null,
  (random) => random.percent(50),
  (random) => random.pick(NUMBERS),
  (random) => random.next() - 2 ** 31,
  (random) => random.next() / 2 ** 16,
  (random) => random.pick(BIGINTS),
  (random) => (random.percent(5) ? 2n ** 1_000_000n : BigInt(random.next()) << BigInt(random.below(64))),
  (random) => random.pick(STRINGS),
  (random) => random.pick(STRINGS) + random.pick(STRINGS),
  (random) => (random.percent(20) ? random.pick(LONG) : random.pick(STRINGS)),
  (random) => random.pick([Symbol('odd'), Symbol(), Symbol.iterator, Symbol.for('procward'), Symbol.dispose]),
];

const functions: readonly Make[] = [
  () => () => undefined,
  () => async () => undefined,
  () => () => {
    throw new Hostility('a function');
  },
  () =>
    function* () {
      yield 1;
    },
  () => class Odd {},
  () => Math.max.bind(null, 1),
  () => (value: unknown) => value,
];

const builtins: readonly Make[] = [
  () => new Date(),
  () => new Date(Number.NaN),
  () => /x/gy,
  () => new Map([['timeoutMs', 1]]),
  () => new Set([1, 2]),
  () => new WeakMap(),
  () => Promise.resolve(1),
  () => new Error('an error'),
  () => new ProcwardError({ kind: 'Gone', message: 'not thrown by procward' }),
  (random) =>
    new URL(
      random.pick([
        'file:///',
        'file:///nowhere',
        'http://a/b',
        'file:///%00',
        'file:///a%2fb',
        'file://host/a',
        'data:,x',
      ]),
    ),
  (random) => Object(random.pick<unknown>([5, 'x', 1n, true, Symbol('boxed')])),
  () => new Intl.NumberFormat('en'),
  () => globalThis.Atomics,
];

const signals: readonly Make[] = [
  () => AbortSignal.abort(),
  () => AbortSignal.abort(new Hostility('the reason of an abort')),
  (random) => AbortSignal.timeout(random.below(3)),
  () => lateSignal(),
  () => new AbortController(),
  () => Object.create(AbortSignal.prototype),
  () => new EventTarget(),
  () => ({ aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined }),
  () => new Proxy(new AbortController().signal, {}),
];

const lists: readonly Make[] = [
  () => [],
  (random) => [hostile(random)],
  (random) => Array.from({ length: random.below(40) }, () => hostilePrimitive(random)),
  // biome-ignore lint/suspicious/noSparseArray: gaps are what this is about
  () => [, , 1],
  () => new Array(5),
  () => new Array(2 ** 32 - 1),
  () => Array.from({ length: 5000 }, () => 'x'),
  () => ({ length: 3, 0: 'a', 1: 'b', 2: 'c' }),
  (random) => ({ length: random.pick([-1, 2 ** 53, Number.NaN, 1.5]) }),
  (random) => new Set([hostilePrimitive(random)]),
  (random) => [hostilePrimitive(random)].values(),
];

const objects: readonly Make[] = [
  () => ({}),
  () => Object.create(null),
  (random) => ({ [random.pick(STRINGS)]: hostilePrimitive(random) }),
  (random) => Object.freeze({ pid: hostilePrimitive(random), fd: hostilePrimitive(random) }),
  (random) => ({ pid: random.below(40), fd: random.below(40), unified: true, name: random.pick(STRINGS) }),
  () => ({ failure: 'Gone', message: 'made up' }),
  () => Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`x${at}`, at])),
  () => {
    const cyclic: Record<string, unknown> = { list: [] };
    cyclic['self'] = cyclic;
    (cyclic['list'] as unknown[]).push(cyclic);
    return cyclic;
  },
  () => ({
    [inspect.custom]: () => {
      throw new Hostility('being shown');
    },
  }),
  () => nested(2000),
];

const kinds = [
  primitives,
  primitives,
  functions,
  builtins,
  signals,
  lists,
  objects,
  treacherous,
  hostileBytes,
] as const;

/** Any value at all; handles of the world are put in by whoever has one. */
export function hostile(random: Random): unknown {
  return random.pick<Make>(random.pick<readonly Make[]>(kinds))(random);
}

export function hostilePrimitive(random: Random): unknown {
  return random.pick(primitives)(random);
}

function nested(depth: number): unknown {
  let list: unknown[] = [];
  for (let at = 0; at < depth; at += 1) list = [list];
  return list;
}
