// Arguments that are not what they seem: arrays with gaps, prototypes without the object, values that change or cannot be shown.

import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import {
  Cgroup,
  Child,
  cgroupPathOf,
  exec,
  isExist,
  isNotExist,
  isTimeout,
  isUnsupported,
  Process,
  ProcFile,
  Procfs,
  ProcwardError,
  procfs,
  run,
  spawn,
  waitAll,
  waitAny,
} from 'procward';
import { freezeSnapProcesses, pidsOfSnap } from 'procward/snap';
import { mockFreezing } from 'procward/testing';
import { rejectionOf, thrownBy } from './failure.ts';

/** What no type checker would let pass. */
const bad = (value: unknown) => value as never;
const withGap = (...items: unknown[]) => {
  const list = [...items];
  list.length += 1;
  return bad(list);
};

test('an array with a gap is refused, and the gap named', (t) => {
  const refused: readonly (readonly [string, () => unknown])[] = [
    ['args[1]', () => spawn('true', withGap('a'))],
    ['args[0]', () => exec('true', withGap())],
    ['options.stdio[2]', () => run('true', [], { stdio: withGap('ignore', 'pipe') })],
    ['options.namespaces[0]', () => spawn('true', [], { namespaces: withGap() })],
    ['options.cpuAffinity[1]', () => spawn('true', [], { cpuAffinity: withGap(0) })],
    ['options.ignoredSignals[0]', () => spawn('true', [], { ignoredSignals: withGap() })],
    ['options.ambientCapabilities[0]', () => spawn('true', [], { ambientCapabilities: withGap() })],
    ['options.credentials.groups[1]', () => spawn('true', [], { credentials: { uid: 0, gid: 0, groups: withGap(0) } })],
    ['options.cgroup[0]', () => spawn('true', [], { cgroup: withGap() })],
    ['options.require[1]', () => Procfs.openSync({ require: withGap('masked') })],
  ];
  for (const [name, call] of refused) {
    const { kind, message } = thrownBy(call);
    t.is(kind, 'InvalidArgument', name);
    t.true(message.startsWith(`"${name}" must be`) && message.endsWith('received undefined'), message);
  }
});

test('bytes are no processes, also those that were given away', (t) => {
  const gone = new Uint8Array(2);
  structuredClone(gone, { transfer: [gone.buffer] });
  for (const bytes of [new Uint8Array(), new Uint8Array(2), gone]) {
    t.like(
      thrownBy(() => waitAny(bad(bytes))),
      { kind: 'InvalidArgument' },
    );
  }
});

test('the prototype of a class alone is not taken for an instance', async (t) => {
  const refused: readonly (readonly [string, () => unknown])[] = [
    ['process', () => cgroupPathOf(Object.create(Process.prototype), { unified: true })],
    ['processes[0]', () => waitAll([Object.create(Process.prototype)])],
    ['processes', () => waitAll(bad({ [Symbol.iterator]: 1 }))],
    ['base', () => procfs().readFileSync(Object.create(Process.prototype), 'status')],
    ['options.signal', () => run('true', [], { signal: Object.create(AbortSignal.prototype) })],
    ['options.input', () => run('true', [], { input: Object.create(Uint8Array.prototype) })],
    [
      'data',
      () => procfs().writeFile('self', 'comm', Object.setPrototypeOf(new Float32Array(2), Uint8Array.prototype)),
    ],
    ['options.cgroup', () => spawn('true', [], { cgroup: Object.create(Cgroup.prototype) })],
    ['options.cwd', () => spawn('true', [], { cwd: Object.create(URL.prototype) })],
  ];
  for (const [name, call] of refused) {
    const { kind, message } = thrownBy(call);
    t.is(kind, 'InvalidArgument', name);
    t.true(message.startsWith(`"${name}" must be`), message);
  }
});

test('a proxy of a process is not taken for its number', (t) => {
  using self = Process.self();
  const { message } = thrownBy(() => procfs().readFileSync(new Proxy(self, {}), 'comm'));
  t.regex(message, /^"base" must be/);
});

test('an option that changes between two looks was looked at once', async (t) => {
  let reads = 0;
  const options = {
    get killSignal(): 'SIGKILL' {
      reads += 1;
      return reads === 1 ? 'SIGKILL' : bad('none');
    },
  };
  const { exit } = await run('true', [], options);
  t.like(exit, { type: 'exited', code: 0 });
  t.is(reads, 1);

  using self = Process.self();
  let looks = 0;
  const enterNamespacesOf = {
    namespaces: ['uts'],
    get process() {
      looks += 1;
      return looks === 1 ? self : 'nobody';
    },
  };
  await run('true', [], { enterNamespacesOf: bad(enterNamespacesOf) }).catch((error: unknown) => {
    // Without the right to enter them, or without a pidfd to enter them by.
    t.true(error instanceof ProcwardError && ['SpawnFailed', 'Unsupported'].includes(error.kind));
  });
  t.is(looks, 1);
});

test('a signal in the place of the options is refused, and so is an array', (t) => {
  using self = Process.self();
  t.regex(
    thrownBy(() => self.wait(bad(AbortSignal.abort()))).message,
    /^"options" must be an object; received AbortSignal/,
  );
  t.regex(thrownBy(() => spawn('true', [], bad(['a']))).message, /^"options" must be an object; received \[ 'a' \]/);
});

test('names that are none are refused in the options of options, too', (t) => {
  const credentials = { uid: 0, gid: 0, group: [1] };
  t.regex(thrownBy(() => spawn('true', [], { credentials })).message, /^"options.credentials.group" must be left out/);
});

test('what cannot be shown, or at no reasonable length, is refused all the same', (t) => {
  const unshowable = Object.create(AbortSignal.prototype);
  t.regex(thrownBy(() => Process.open(unshowable)).message, /received an object that cannot be shown$/);
  t.regex(thrownBy(() => Process.open(bad(2n ** 1_000_000n))).message, /received a bigint of more than 256 bits$/);
  const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`name${at}`, at]));
  t.true(thrownBy(() => Process.open(bad(wide))).message.length < 500);
  t.true(thrownBy(() => Process.self().wait(bad({ ['x'.repeat(10_000)]: 1 }))).message.length < 1000);
});

test('a variable that is no string, and a URL that is no file, are refused by name', (t) => {
  t.regex(
    thrownBy(() => spawn('true', [], { env: { A: bad(Symbol('odd')) } })).message,
    /^"options.env.A" must be a string/,
  );
  const hostile = { toString: () => t.fail('it was asked for its text') };
  t.regex(thrownBy(() => spawn('true', [], { env: { A: bad(hostile) } })).message, /^"options.env.A" must be a string/);
  t.regex(
    thrownBy(() => spawn('true', [], { cwd: new URL('http://a/b') })).message,
    /^"options.cwd" must be a path, or a file: URL/,
  );
});

test('classes whose instances come from functions say so when they are called with new', (t) => {
  for (const [type, makers] of [
    [Process, 'Process.open, Process.self and spawn'],
    [Child, 'spawn'],
    [Cgroup, 'Cgroup.open, Cgroup.create and Cgroup.of'],
    [Procfs, 'Procfs.open and procfs'],
    [ProcFile, 'Procfs.open'],
  ] as const) {
    for (const argument of [undefined, {}, 1]) {
      const { kind, message } = thrownBy(() => Reflect.construct(type, [argument]));
      t.deepEqual([kind, message], ['InvalidArgument', `A ${type.name} is not made by new, but by ${makers}`]);
    }
  }
});

test('an error of ours that is made by hand needs a kind and a message', (t) => {
  for (const fields of [
    undefined,
    null,
    1,
    {},
    { kind: 'Os' },
    { kind: 1, message: 'm' },
    { kind: 'Os', message: 'm', hint: Symbol('h') },
  ]) {
    t.is(thrownBy(() => new ProcwardError(bad(fields))).kind, 'InvalidArgument');
  }
  t.is(new ProcwardError({ kind: 'Os', message: 'made', hint: 'by hand' }).message, 'made; by hand');
});

test('predicates over errors do not throw, whatever was caught', (t) => {
  const caught = [
    { code: Object.create(null) },
    { code: Symbol('ENOENT') },
    new Proxy(
      {},
      {
        has: () => {
          throw new Error('has');
        },
        getPrototypeOf: () => {
          throw new Error('getPrototypeOf');
        },
      },
    ),
  ];
  const throwing = {
    get code(): string {
      throw new Error('code');
    },
  };
  for (const error of [...caught, throwing]) {
    for (const predicate of [isNotExist, isExist, isUnsupported, isTimeout]) t.false(predicate(error));
  }
});

test('a buffer that is taken away while it is read into is told as a bad argument', async (t) => {
  using file = procfs().openSync('self', 'status');
  const buffer = new Uint8Array(64);
  const reading = file.read(buffer);
  structuredClone(buffer.buffer, { transfer: [buffer.buffer] });
  const { kind, message } = await rejectionOf(reading);
  t.deepEqual([kind, message], ['InvalidArgument', 'The buffer has no room any more for the 64 bytes that were read']);
});

test('the adapter of a child whose handle was closed tells that to whoever listens', async (t) => {
  const child = await spawn('true', [], { stdio: 'ignore' });
  child.close();
  const errors: unknown[] = [];
  child.toChildProcess().on('error', (error) => errors.push(error));
  await setImmediate();
  t.like(errors, { length: 1, 0: { kind: 'Closed' } });
});

test('a bad name is told at once, also while freezing is mocked', (t) => {
  const restore = mockFreezing(
    () => {},
    () => {},
  );
  try {
    t.regex(thrownBy(() => freezeSnapProcesses(bad(1))).message, /^"instanceName" must be/);
  } finally {
    restore();
  }
  t.regex(thrownBy(() => pidsOfSnap(bad(1))).message, /^"instanceName" must be/);
});

test('a signal whose addEventListener throws leaves nothing under way', (t) => {
  const { signal } = new AbortController();
  const mine = new Error('mine');
  Object.defineProperty(signal, 'addEventListener', {
    value: () => {
      throw mine;
    },
  });
  t.throws(() => run('true', [], { signal }), { is: mine });
});
