// Arguments that can never work: refused at once, by name, with the value shown, before anything is done.

import test, { type ExecutionContext } from 'ava';
import {
  Cgroup,
  decodeWaitStatus,
  exec,
  freezeAll,
  getResourceLimit,
  isSupported,
  Process,
  Procfs,
  pipe,
  procfs,
  setResourceLimit,
  spawn,
} from 'procward';
import { thrownBy } from './failure.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

/** The name that the message must give, then calls with the value that it must show. */
type Refused = readonly (readonly [name: string, shown: string, call: () => unknown])[];

/** What no type checker would let pass. */
const bad = (value: unknown) => value as never;
const LONE_SURROGATE = 'a\ud800';
const NUL = 'a\0b';

const numbers: readonly (readonly [string, unknown])[] = [
  ['-1', -1],
  ['NaN', Number.NaN],
  ['1.9', 1.9],
  ['9007199254740992', 2 ** 53],
  ["'1'", '1'],
  ['null', null],
];
const strings: readonly (readonly [string, unknown])[] = [
  ["'a\\x00b'", NUL],
  ["'a\\ud800'", LONE_SURROGATE],
  ['7', 7],
  ['null', null],
];

const notNumbers = (name: string, call: (value: never) => unknown): Refused =>
  numbers.map(([shown, value]) => [name, shown, () => call(bad(value))]);
const notStrings = (name: string, call: (value: never) => unknown): Refused =>
  strings.map(([shown, value]) => [name, shown, () => call(bad(value))]);
const notOptions = (call: (value: never) => unknown): Refused => [
  ['options', '1', () => call(bad(1))],
  ['options', 'null', () => call(bad(null))],
  ['options.timeout', '5', () => call(bad({ timeout: 5 }))],
];
const notTimeouts = (call: (options: never) => unknown): Refused =>
  [
    ['-1', -1],
    ['NaN', Number.NaN],
    ["'1'", '1'],
  ].map(([shown, timeoutMs]) => ['options.timeoutMs', String(shown), () => call(bad({ timeoutMs }))]);
const notAbortSignals = (call: (options: never) => unknown): Refused => [
  ['options.signal', "'SIGTERM'", () => call(bad({ signal: 'SIGTERM' }))],
];

function refuses(t: ExecutionContext, rows: Refused): void {
  for (const [name, shown, call] of rows) {
    const error = thrownBy(call);
    t.like(error, { kind: 'InvalidArgument', code: 'ERR_PROCWARD_INVALID_ARGUMENT' }, `${name} ${shown}`);
    t.true(error.message.startsWith(`"${name}" must be `), error.message);
    t.true(error.message.endsWith(`; received ${shown}`), error.message);
    t.regex(error.stack ?? '', /arguments\.spec\.ts/);
    t.false('errno' in error);
  }
}

test('Procfs refuses bad arguments', (t) => {
  const proc = isSupported ? procfs() : undefined;
  for (const open of [Procfs.open, Procfs.openSync]) {
    refuses(t, [
      ...notOptions(open),
      ['options.unmasked', '1', () => open(bad({ unmasked: 1 }))],
      ['options.require', "'masked'", () => open(bad({ require: 'masked' }))],
      ['options.require[1]', "'masks'", () => open(bad({ require: ['masked', 'masks'] }))],
    ]);
  }
  const readers: ((base: never, path: never) => unknown)[] = [
    (base, path) => proc?.readFile(base, path),
    (base, path) => proc?.readFileSync(base, path),
    (base, path) => proc?.readlink(base, path),
    (base, path) => proc?.readlinkSync(base, path),
  ];
  for (const read of readers) {
    refuses(t, [
      ...notStrings('path', (path) => read(bad('self'), path)),
      ...notNumbers('base.pid', (pid) => read(bad({ pid }), bad('status'))),
      ['base.pid', '0', () => read(bad({ pid: 0 }), bad('status'))],
      ['base', "'me'", () => read(bad('me'), bad('status'))],
      ['base', '1', () => read(bad(1), bad('status'))],
    ]);
  }
  refuses(t, [
    ['encoding', "'utf9'", () => proc?.readFile('self', 'status', bad('utf9'))],
    ['encoding', "'utf9'", () => proc?.readFileSync('self', 'status', bad('utf9'))],
    ['encoding', "'utf8'", () => proc?.readlink('self', 'cwd', bad('utf8'))],
  ]);
});

test('Process refuses bad arguments', (t) => {
  using self = Process.self();
  const identity = { bootId: 'b', pid: 1, startTime: '1', inode: '1' };
  refuses(t, [
    ...notNumbers('pid', (pid) => Process.open(pid)),
    ['pid', '0', () => Process.open(0)],
    ['pid', '4194305', () => Process.open(2 ** 22 + 1)],
    ...notOptions((options) => Process.open(1, options)),
    ['options.thread', '1', () => Process.open(1, bad({ thread: 1 }))],
    ['identity', 'null', () => Process.fromIdentity(bad(null))],
    ...notStrings('identity.bootId', (bootId) => Process.fromIdentity({ ...identity, bootId })),
    ...notNumbers('identity.pid', (pid) => Process.fromIdentity({ ...identity, pid })),
    ['identity.startTime', '1', () => Process.fromIdentity({ ...identity, startTime: bad(1) })],
    ['identity.startTime', "'-1'", () => Process.fromIdentity({ ...identity, startTime: '-1' })],
    ['identity.inode', "''", () => Process.fromIdentity({ ...identity, inode: '' })],
    ...notOptions((options) => self.signal(0, options)),
    ['options.scope', "'session'", () => self.signal(0, bad({ scope: 'session' }))],
    ...notOptions((options) => self.wait(options)),
    ...notAbortSignals((options) => self.wait(options)),
    ...notOptions((options) => self.waitSync(options)),
    ...notTimeouts((options) => self.waitSync(options)),
    ...notStrings('path', (path) => self.readFile(path)),
    ...notStrings('path', (path) => self.readFileSync(path, 'utf8')),
    ...notStrings('path', (path) => self.readlink(path)),
  ]);
});

test('Process refuses encodings that there are not', (t) => {
  using self = Process.self();
  refuses(t, [
    ['encoding', "'utf9'", () => self.readFile('status', bad('utf9'))],
    ['encoding', "'utf9'", () => self.readFileSync('status', bad('utf9'))],
  ]);
});

test('a misspelt signal is answered with the right one', (t) => {
  using self = Process.self();
  for (const misspelt of ['term', 'TERM', 'sigterm', 'SigTerm']) {
    const error = thrownBy(() => self.signal(bad(misspelt)));
    t.like(error, { kind: 'InvalidArgument' });
    t.is(error.message, `"signal" must be a signal name in upper case, like 'SIGTERM'; received '${misspelt}'`);
  }
  refuses(t, [
    ...notNumbers('signal', (signal) => self.signal(signal)).filter(([, shown]) => shown !== 'null'),
    ['signal', '65', () => self.signal(65)],
    ['signal', "''", () => self.signal(bad(''))],
    ['signal', "'SIGRTMIN+31'", () => self.signal('SIGRTMIN+31')],
    ['signal', "'SIGRTMIN-1'", () => self.signal(bad('SIGRTMIN-1'))],
    ['signal', 'null', () => self.signal(bad(null))],
  ]);
});

test('spawn refuses bad arguments, and starts nothing', (t) => {
  const start = (options: object) => spawn('true', [], bad(options));
  const option = (name: string, shown: string, value: unknown): Refused[number] => [
    `options.${name}`,
    shown,
    () => start({ [name]: value }),
  ];
  refuses(t, [
    ...notStrings('file', (file) => spawn(file)),
    ['file', "''", () => spawn('')],
    ['args', "'-l'", () => spawn('true', bad('-l'))],
    ...notStrings('args[1]', (arg) => spawn('true', ['a', arg])),
    ...notOptions((options) => spawn('true', [], options)),
    ...notTimeouts(start),
    ...notAbortSignals(start),
    ...notStrings('options.argv0', (argv0) => start({ argv0 })).filter(([, shown]) => shown !== 'null'),
    ...notStrings('options.cwd', (cwd) => start({ cwd })),
    option('session', "'yes'", 'yes'),
    option('noNewPrivileges', '1', 1),
    option('killSignal', '0', 0),
    option('killSignal', "'term'", 'term'),
    option('parentDeathSignal', '0', 0),
    ...notNumbers('options.umask', (umask) => start({ umask })),
    option('umask', '512', 0o1000),
    ...notNumbers('options.processGroup', (processGroup) => start({ processGroup })),
    option('processGroup', '0', 0),
    ['options.processGroup', "'new'", () => start({ processGroup: 'new', session: true })],
    ...notNumbers('options.credentials.uid', (uid) => start({ credentials: { uid, gid: 0 } })),
    ...notNumbers('options.credentials.gid', (gid) => start({ credentials: { uid: 0, gid } })),
    ['options.credentials', '0', () => start({ credentials: 0 })],
    ['options.credentials', 'null', () => start({ credentials: null })],
    ['options.credentials.uid', '4294967295', () => start({ credentials: { uid: 2 ** 32 - 1, gid: 0 } })],
    ['options.credentials.groups', "'none'", () => start({ credentials: { uid: 0, gid: 0, groups: 'none' } })],
    ['options.credentials.groups[0]', '-1', () => start({ credentials: { uid: 0, gid: 0, groups: [-1] } })],
  ]);
});

test('spawn refuses bad descriptors, variables and groups', (t) => {
  const start = (options: object) => spawn('true', [], bad(options));
  refuses(t, [
    ['options.stdio[0]', "'pipes'", () => start({ stdio: 'pipes' })],
    ['options.stdio[1]', '-1', () => start({ stdio: ['pipe', -1] })],
    ['options.stdio[0]', '1.5', () => start({ stdio: [1.5] })],
    ['options.stdio[0].fd', 'NaN', () => start({ stdio: [{ fd: Number.NaN }] })],
    ['options.stdio[0]', 'null', () => start({ stdio: [null] })],
    ['options.env', "'A=b'", () => start({ env: 'A=b' })],
    ['options.env', "'A=B'", () => start({ env: { 'A=B': 'c' } })],
    ['options.env', "''", () => start({ env: { '': 'c' } })],
    ['options.env.A', '1', () => start({ env: { A: 1 } })],
    ['options.env.A', "'a\\x00b'", () => start({ env: { A: NUL } })],
    ['options.cgroup', "'relative'", () => start({ cgroup: 'relative' })],
    ['options.cgroup', '-1', () => start({ cgroup: -1 })],
    ['options.cgroup', '{}', () => start({ cgroup: {} })],
  ]);
});

test('spawn refuses bad terminals, namespaces and ids', (t) => {
  const start = (options: object) => () => spawn('true', [], bad(options));
  const range = { containerId: 0, hostId: 0, size: 1 };
  const user = { namespaces: ['user'], userNamespace: { uidMap: [range], gidMap: [range] } };
  refuses(t, [
    ...notNumbers('options.controllingTerminal', (descriptor) =>
      start({ session: true, controllingTerminal: descriptor })(),
    ),
    ['options.controllingTerminal', '0', start({ controllingTerminal: 0 })],
    ['options.controllingTerminal', '3', start({ controllingTerminal: 3, session: true })],
    ...notNumbers('options.foreground', (foreground) => start({ foreground })()),
    ['options.foreground', '0', start({ foreground: 0, session: true })],
    ['options.foreground', '0', start({ foreground: 0, detachTerminal: true })],
    ['options.processGroup', '7', start({ foreground: 0, processGroup: 7 })],
    ['options.detachTerminal', '1', start({ detachTerminal: 1 })],
    ['options.detachTerminal', 'true', start({ detachTerminal: true, session: true })],
    ...notStrings('options.root', (root) => start({ root })()),
    ['options.namespaces', "'user'", start({ namespaces: 'user' })],
    ['options.namespaces[1]', "'net'", start({ namespaces: ['user', 'net'] })],
    ['options.unshare[0]', '7', start({ unshare: [7] })],
    ['options.unshare', "[ 'uts' ]", start({ namespaces: ['uts'], unshare: ['uts'] })],
    ['options.enterNamespacesOf', '7', start({ enterNamespacesOf: 7 })],
    ['options.enterNamespacesOf.process', '7', start({ enterNamespacesOf: { process: 7, namespaces: ['uts'] } })],
    ['options.userNamespace', '7', start({ namespaces: ['user'], userNamespace: 7 })],
    ['options.userNamespace', '{ uidMap: [], gidMap: [] }', start({ userNamespace: { uidMap: [], gidMap: [] } })],
    ['options.userNamespace.uidMap', "'0 0 1'", start({ ...user, userNamespace: { uidMap: '0 0 1' } })],
    ['options.userNamespace.gidMap[0]', '0', start({ ...user, userNamespace: { gidMap: [0] } })],
    [
      'options.userNamespace.gidMap[0].size',
      '0',
      start({ ...user, userNamespace: { gidMap: [{ ...range, size: 0 }] } }),
    ],
    [
      'options.userNamespace.uidMap[0].hostId',
      '-1',
      start({ ...user, userNamespace: { uidMap: [{ ...range, hostId: -1 }] } }),
    ],
    ['options.userNamespace.setgroups', "'deny'", start({ ...user, userNamespace: { setgroups: 'deny' } })],
  ]);
});

test('spawn refuses bad rights and resources', (t) => {
  const start = (options: object) => () => spawn('true', [], bad(options));
  refuses(t, [
    ['options.ambientCapabilities', "'chown'", start({ ambientCapabilities: 'chown' })],
    ['options.ambientCapabilities[0]', "'fly'", start({ ambientCapabilities: ['fly'] })],
    ['options.ambientCapabilities[0]', '7', start({ ambientCapabilities: [7] })],
    ['options.dropCapabilities', "'every'", start({ dropCapabilities: 'every' })],
    ['options.dropCapabilities[1]', "'a\\x00b'", start({ dropCapabilities: ['chown', NUL] })],
    ...notNumbers('options.landlock', (landlock) => start({ landlock })()),
    ['options.seccomp', "'filter'", start({ seccomp: 'filter' })],
    ['options.seccomp', 'Uint8Array(0) []', start({ seccomp: new Uint8Array() })],
    ['options.seccomp', 'Uint8Array(1) [ 0 ]', start({ seccomp: new Uint8Array(1) })],
    ['options.resourceLimits', '7', start({ resourceLimits: 7 })],
    ['options.resourceLimits.files', '{}', start({ resourceLimits: { files: {} } })],
    ['options.resourceLimits.nofile', '7', start({ resourceLimits: { nofile: 7 } })],
    ['options.resourceLimits.nofile.soft', '7', start({ resourceLimits: { nofile: { soft: 7 } } })],
    ['options.resourceLimits.nofile.hard', '-1n', start({ resourceLimits: { nofile: { hard: -1n } } })],
    [
      'options.resourceLimits.nofile.soft',
      "'infinity'",
      start({ resourceLimits: { nofile: { soft: 'infinity', hard: 1n } } }),
    ],
    ['options.resourceLimits.nofile.max', '1n', start({ resourceLimits: { nofile: { max: 1n } } })],
    ...notNumbers('options.niceness', (niceness) => start({ niceness })()).filter(([, shown]) => shown !== '-1'),
    ['options.niceness', '20', start({ niceness: 20 })],
    ['options.cpuAffinity', '0', start({ cpuAffinity: 0 })],
    ['options.cpuAffinity', '[]', start({ cpuAffinity: [] })],
    ['options.cpuAffinity[1]', '-1', start({ cpuAffinity: [0, -1] })],
    ...notNumbers('options.oomScoreAdjust', (score) => start({ oomScoreAdjust: score })()).filter(
      ([, shown]) => shown !== '-1',
    ),
    ['options.oomScoreAdjust', '1001', start({ oomScoreAdjust: 1001 })],
    ['options.ignoredSignals', "'SIGHUP'", start({ ignoredSignals: 'SIGHUP' })],
    ['options.ignoredSignals[0]', "'SIGHOP'", start({ ignoredSignals: ['SIGHOP'] })],
    ['options.ignoredSignals[0]', "'SIGKILL'", start({ ignoredSignals: ['SIGKILL'] })],
  ]);
});

test('limits, pipes and exec refuse bad arguments', (t) => {
  refuses(t, [
    ['resource', "'files'", () => getResourceLimit(bad('files'))],
    ['resource', "'nofiles'", () => setResourceLimit(bad('nofiles'), {})],
    ['limit', 'undefined', () => setResourceLimit('core', bad(undefined))],
    ['limit.soft', '1', () => setResourceLimit('core', bad({ soft: 1 }))],
    ...notOptions((options) => pipe(options)),
    ['options.closeOnExec', '0', () => pipe(bad({ closeOnExec: 0 }))],
    ...notStrings('file', (file) => exec(file)),
    ...notStrings('args[0]', (arg) => exec('true', [arg])),
    ['options.env.A', '1', () => exec('true', [], bad({ env: { A: 1 } }))],
  ]);
});

test('Cgroup refuses bad arguments', (t) => {
  for (const reach of [Cgroup.open, Cgroup.create]) {
    refuses(t, [
      ...notStrings('path', (path) => reach(path)),
      ['path', "''", () => reach('')],
      ['path', "'relative'", () => reach('relative')],
      ['hierarchy', 'null', () => reach('/a', bad(null))],
      ['hierarchy', '{}', () => reach('/a', bad({}))],
      ['hierarchy', '{ unified: false }', () => reach('/a', bad({ unified: false }))],
      ...notStrings('hierarchy.controller', (controller) => reach('/a', { controller })),
      ...notStrings('hierarchy.name', (name) => reach('/a', { name })),
    ]);
  }
});

needing('cgroup2')('the methods of a Cgroup refuse bad arguments, and change nothing', async (t) => {
  const group = scratchGroup(t);
  refuses(t, [
    ...notNumbers('process', (pid) => group.add(pid)),
    ...notNumbers('process', (pid) => group.contains(pid)),
    ...notStrings('name', (name) => group.child(name)),
    ...notStrings('name', (name) => group.createChild(name)),
    ...notOptions((options) => group.pids(options)),
    ['options.recursive', '1', () => group.pids(bad({ recursive: 1 }))],
    ...notStrings('name', (name) => group.readFile(name)),
    ...notStrings('name', (name) => group.writeFile(name, '1')),
    ...notStrings('value', (value) => group.writeFile('cgroup.freeze', value)),
    ...notOptions((options) => group.remove(options)),
    ...notTimeouts((options) => group.remove(options)),
    ['options.recursive', '1', () => group.remove(bad({ recursive: 1 }))],
    ['options.includeSelf', '1', () => group.kill(bad({ includeSelf: 1 }))],
    ['options.protect', '1', () => group.freeze(bad({ protect: 1 }))],
    ['options.protect[1]', '0', () => group.freeze(bad({ protect: [1, 0] }))],
    ['options.graceMs', '-1', () => group.stop(bad({ graceMs: -1 }))],
    ['options.killSignal', "'TERM'", () => group.stop(bad({ killSignal: 'TERM' }))],
    ['options.killSignal', '0', () => group.stop(bad({ killSignal: 0 }))],
    ['groups', 'undefined', () => freezeAll(bad(undefined))],
    ['groups', '[]', () => freezeAll([])],
    ['groups[0]', '1', () => freezeAll(bad([1]))],
  ]);
  const timed: ((options: never) => unknown)[] = [
    (options) => group.freeze(options),
    (options) => group.thaw(options),
    (options) => group.kill(options),
    (options) => group.stop(options),
    (options) => freezeAll([group], options),
  ];
  for (const call of timed) refuses(t, [...notOptions(call), ...notTimeouts(call), ...notAbortSignals(call)]);
  t.is(await group.readFile('cgroup.freeze'), '0\n');
});

test('a wait status is a 32-bit integer', (t) => {
  refuses(
    t,
    notNumbers('raw', decodeWaitStatus).filter(([, shown]) => shown !== '-1'),
  );
  t.deepEqual(decodeWaitStatus(0x0700), { type: 'exited', code: 7 });
  t.deepEqual(decodeWaitStatus(0x8b), { type: 'signaled', signal: 'SIGSEGV', coreDumped: true });
  t.deepEqual(decodeWaitStatus(0x137f), { type: 'stopped', signal: 'SIGSTOP', trapCause: null });
  t.deepEqual(decodeWaitStatus(0x3057f), { type: 'stopped', signal: 'SIGTRAP', trapCause: 3 });
  t.deepEqual(decodeWaitStatus(0xffff), { type: 'continued' });
});
