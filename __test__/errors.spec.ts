// The shape of errors: Node's fields, the caller's stack, and lists that agree with the core.

import { constants } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import {
  isExist,
  isNotExist,
  isPermission,
  isTemporary,
  isTimeout,
  isUnsupported,
  Process,
  ProcwardError,
  procfs,
  spawn,
} from 'procward';
import { rejectionOf, thrownBy } from './failure.ts';
import { readSource, unionMembers } from './source.ts';

/** Above every pid that a kernel gives. */
const NOBODY = 2 ** 22;

const asynchronous: Record<string, () => Promise<unknown>> = {
  'reading a file': () => procfs().readFile('self', 'no-such-file'),
  'reading a link': () => procfs().readlink('self', 'no-such-file'),
  'starting a program': () => spawn('/no/such/program'),
};

for (const [title, call] of Object.entries(asynchronous)) {
  test(`${title} that fails rejects as Node's functions do, with the stack of its caller`, async (t) => {
    const error = await rejectionOf(call());
    t.like(error, { name: 'ProcwardError', code: 'ENOENT', errno: -constants.errno.ENOENT });
    t.regex(error.syscall ?? '', /^[a-z]\w+$/);
    t.regex(error.path ?? '', /^\/(proc\/self\/no-such-file|no\/such\/program)$/);
    t.true(error.message.startsWith('ENOENT: no such file or directory, '), error.message);
    t.regex(error.stack ?? '', /^ProcwardError: ENOENT: no such file or directory, /);
    t.regex(error.stack ?? '', /errors\.spec\.ts/);
  });

  test(`${title} shows no frame of how promises are settled`, async (t) => {
    const { stack = '' } = await rejectionOf(call());
    t.notRegex(stack, /completions|unwrap|toError/);
    t.regex(stack.split('\n')[2] ?? '', /errors\.spec\.ts/);
  });
}

test('the stack names the caller through catch and through Promise.all', async (t) => {
  const caught = await procfs()
    .readFile('self', 'no-such-file')
    .catch((error: unknown) => error);
  t.true(caught instanceof ProcwardError);
  t.regex((caught as ProcwardError).stack ?? '', /errors\.spec\.ts/);

  const calls = [procfs().readFile('self', 'status'), procfs().readFile('self', 'no-such-file')];
  t.regex((await rejectionOf(Promise.all(calls))).stack ?? '', /errors\.spec\.ts/);
});

test('a synchronous call throws with its caller right below the function that was called', (t) => {
  const error = thrownBy(() => procfs().readFileSync('self', 'no-such-file'));
  t.like(error, { kind: 'NotFound', code: 'ENOENT', errno: -constants.errno.ENOENT, path: '/proc/self/no-such-file' });
  const [first = '', second = ''] = (error.stack ?? '').split('\n').slice(1);
  t.regex(first, /readFileSync/);
  t.regex(second, /errors\.spec\.ts/);
});

test('a missing process is told by its number', (t) => {
  const error = thrownBy(() => Process.open(NOBODY));
  t.like(error, { kind: 'NotFound', code: 'ESRCH', errno: -constants.errno.ESRCH, pid: NOBODY });
  t.false('path' in error);
  t.false('stage' in error);
});

test('details are shown when an error is printed, and none that are absent', (t) => {
  const error = new ProcwardError({
    kind: 'Busy',
    message: 'in use',
    hint: 'try later',
    path: undefined,
    cause: 'why',
  });
  t.is(error.message, 'in use; try later');
  t.is(error.code, 'ERR_PROCWARD_BUSY');
  t.is(error.cause, 'why');
  t.deepEqual(Object.keys(error).sort(), ['code', 'hint', 'kind']);
  t.is(new ProcwardError({ kind: 'TimedOut', message: '' }).code, 'ERR_PROCWARD_TIMED_OUT');
  t.is(Object.prototype.toString.call(error), '[object Error]');
});

test('the kinds are those of the core, in its order', (t) => {
  const core = [...readSource('crates/kernel/src/error.rs').matchAll(/Self::\w+ => "(\w+)"/g)].map(([, name]) => name);
  t.true(core.length > 20);
  t.deepEqual(unionMembers('src/errors.ts', 'ErrorKind'), core);
});

test('the stages of a spawn are those of the core, in its order', (t) => {
  const rows = readSource('crates/kernel/src/fork/status.rs').matchAll(/^ +\w+ = \d+ "([\w-]+)"/gm);
  const core = [...rows].map(([, name]) => name);
  t.true(core.length > 20);
  t.deepEqual(unionMembers('src/spawn/options.ts', 'SpawnStage'), core);
});

const predicates = { isExist, isNotExist, isPermission, isTemporary, isTimeout, isUnsupported };
const meanings: Record<string, (keyof typeof predicates)[]> = {
  ENOENT: ['isNotExist'],
  EACCES: ['isPermission'],
  EPERM: ['isPermission'],
  EEXIST: ['isExist'],
  ENOTEMPTY: ['isExist'],
  ENOSYS: ['isUnsupported'],
  ENOTSUP: ['isUnsupported'],
  EOPNOTSUPP: ['isUnsupported'],
  EINTR: ['isTemporary'],
  EMFILE: ['isTemporary'],
  ENFILE: ['isTemporary'],
  EAGAIN: ['isTemporary', 'isTimeout'],
  EWOULDBLOCK: ['isTemporary', 'isTimeout'],
  ETIMEDOUT: ['isTemporary', 'isTimeout'],
  ESRCH: [],
  EBUSY: [],
};

test('the predicates hold for the codes that Go has them hold for, of any error', (t) => {
  const holding = (error: unknown) => Object.entries(predicates).flatMap(([name, holds]) => (holds(error) ? name : []));
  for (const [code, expected] of Object.entries(meanings)) {
    t.deepEqual(holding({ code }), expected, code);
    t.deepEqual(holding(Object.assign(new Error(), { code })), expected, code);
  }
  for (const nothing of [undefined, null, 'ENOENT', 2, {}, new Error('ENOENT')]) t.deepEqual(holding(nothing), []);
  t.deepEqual(holding(new ProcwardError({ kind: 'Unsupported', message: '' })), ['isUnsupported']);
  t.deepEqual(holding(new ProcwardError({ kind: 'TimedOut', message: '' })), ['isTemporary', 'isTimeout']);
});

test("an aborted operation rejects with an error of the shape of Node's own", async (t) => {
  const signal = AbortSignal.abort(new Error('changed my mind'));
  using self = Process.self();
  const ours = await t.throwsAsync(self.wait({ signal }));
  const theirs = await t.throwsAsync(setTimeout(0, undefined, { signal }));
  const shape = (error: Error & { code?: unknown }) => ({
    name: error.name,
    code: error.code,
    message: error.message,
    cause: error.cause,
  });
  t.deepEqual(shape(ours as Error), shape(theirs as Error));
  t.false(ours instanceof ProcwardError);
  t.regex(ours?.stack ?? '', /errors\.spec\.ts/);
});
