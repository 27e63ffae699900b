// Snaps by name, with groups named as snapd names them, in namespaces where these are at the top and nobody else sees them.

import test, { type ExecutionContext } from 'ava';
import { Cgroup, cgroupLayout, type GroupMatcher } from 'procward';
import * as snap from 'procward/snap';
import { collect } from './collect.ts';
import { thrownBy } from './failure.ts';
import { fixture, RUNTIME } from './fixture.ts';
import { needing } from './needs.ts';
import { scratchGroup } from './scratch.ts';

type Results = Record<string, unknown>;

const UNIFIED: GroupMatcher = { unified: true };
const FREEZER: GroupMatcher = { controller: 'freezer' };
const TRACKING: GroupMatcher = { name: 'systemd' };
const unified = needing('root', 'mounts', 'freeze2', 'kill2');
const legacy = needing('root', 'mounts', 'freezer1', 'systemd1');

const LEAVE = 'for point in $(awk "/ - cgroup2? /{print \\$5}" /proc/self/mountinfo); do umount -l $point; done';

/** A scratch group, and where it is mounted. */
function makeTop(t: ExecutionContext, matcher: GroupMatcher): { group: Cgroup; directory: string } {
  const group = scratchGroup(t, matcher);
  const found = cgroupLayout().hierarchies.find(({ version, controllers, name }) => {
    if ('controller' in matcher) return controllers.includes(matcher.controller);
    return 'name' in matcher ? name === matcher.name : version === 2;
  });
  return { group, directory: `${found?.mountPoint}${group.path}` };
}

/** What the fixture says where these groups are the tops of their hierarchies, mounted as `mounts` says. */
async function resultsIn(t: ExecutionContext, directories: readonly string[], mounts: string): Promise<Results> {
  const join = directories.map((directory) => `echo $$ > ${directory}/cgroup.procs`).join('; ');
  const inner = ['unshare', '--mount', '--cgroup', 'sh', '-ec', `${LEAVE}; ${mounts}; exec "$@"`, 'sh'];
  const program = [...RUNTIME, fixture('names-snaps.mjs')];
  const { exit, stdout, stderr } = await collect('sh', ['-ec', `${join}; exec "$@"`, 'sh', ...inner, ...program]);
  t.like(exit, { type: 'exited', code: 0 }, stderr);
  return JSON.parse(stdout) as Results;
}

/** What is the same in both versions. */
function checkCommon(t: ExecutionContext, results: Results): void {
  t.deepEqual(results['names'], ['foo', 'foo', 'foo', 'foo', 'foo_key']);
  t.like(results['nobody'], [{ kind: 'NotFound' }, { kind: 'NotFound' }]);
  t.deepEqual(results['listed'], {
    'snap.foo+comp.hook.install': ['hook'],
    'snap.foo.app': ['app'],
    'snap.foo.svc': ['inner', 'service'],
  });
  t.deepEqual(results['unknown'], {});
  t.deepEqual(results['frozen'], [true, true, true, true]);
  t.false(results['others']);
  t.deepEqual(results['asked'], ['0', '0', '0', '0']);
  t.like(results['aborted'], { name: 'AbortError' });
  t.deepEqual(results['never'], [null, null]);
  t.deepEqual(results['ends'], ['SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGKILL']);
  t.deepEqual(results['left'], [true, 0]);
  t.like(results['none'], { kind: 'Unsupported' });
  t.like(results['otherVersion'], { kind: 'Unsupported' });
  t.deepEqual(results['worker'], [true, 'thawed'], 'the worker that froze it has ended');
  t.true(results['atEnd']);
}

unified('on version 2 a snap is all groups that systemd tracks it in, but not the one of this process', async (t) => {
  const top = makeTop(t, UNIFIED);
  const results = await resultsIn(t, [top.directory], 'mount -t cgroup2 none /sys/fs/cgroup');
  checkCommon(t, results);
  t.like(results['own'], {
    name: 'own',
    freeze: null,
    beside: true,
    thaw: null,
    kill: { kind: 'SelfProtected' },
    survived: true,
  });
  t.like(results['confirmed'], [null, { kind: 'CannotTrack' }]);
  const frozen = Cgroup.open(`${top.group.path}/snap.foo_key.app.scope`, UNIFIED);
  t.is(frozen.freezeState().state, 'thawed', 'the program has ended');
});

legacy('on version 1 a snap is its group of the freezer, and is listed where systemd tracks it', async (t) => {
  const [tracking, freezer] = [makeTop(t, TRACKING), makeTop(t, FREEZER)];
  const mounts = [
    'mount -t tmpfs none /sys/fs/cgroup',
    'mkdir /sys/fs/cgroup/freezer /sys/fs/cgroup/systemd',
    'mount -t cgroup -o freezer none /sys/fs/cgroup/freezer',
    'mount -t cgroup -o none,name=systemd none /sys/fs/cgroup/systemd',
  ];
  const results = await resultsIn(t, [tracking.directory, freezer.directory], mounts.join('; '));
  checkCommon(t, results);
  t.is(results['early'], 'early', 'by the freezer alone');
  t.like(results['own'], {
    name: 'own',
    freeze: { kind: 'SelfProtected' },
    beside: false,
    thaw: null,
    kill: { kind: 'SelfProtected' },
    survived: true,
  });
  t.like(results['confirmed'], [null, { kind: 'CannotTrack' }]);
  const frozen = Cgroup.open(`${freezer.group.path}/snap.foo_key`, FREEZER);
  t.is(frozen.freezeState().state, 'thawed', 'the program has ended');
});

test('arguments are checked before anything happens', (t) => {
  const bad: [() => unknown, RegExp][] = [
    [() => snap.snapNameFromPid(0), /^"pid" must be a process id.*received 0$/],
    [() => snap.pidsOfSnap('../foo'), /^"instanceName" must be the name of a snap instance.*received '\.\.\/foo'$/],
    [() => snap.pidsOfSnap('snap.foo'), /^"instanceName"/],
    [() => snap.freezeSnapProcesses(''), /^"instanceName"/],
    [() => snap.freezeSnapProcesses('foo', { timeoutMs: -1 }), /^"options.timeoutMs"/],
    [() => snap.freezeSnapProcesses('foo', { timeout: 1 } as never), /^"options.timeout" must be left out/],
    [() => snap.thawSnapProcesses('foo_'), /^"instanceName"/],
    [() => snap.killSnapProcesses(7 as never), /^"instanceName".*received 7$/],
    [() => snap.killSnapProcesses('foo', { signal: 1 as never }), /^"options.signal"/],
    [() => snap.createTransientScopeForTracking('foo'), /^"securityTag" must be a security tag.*received 'foo'$/],
    [() => snap.createTransientScopeForTracking('snap.foo.a/b'), /^"securityTag"/],
    [
      () => snap.createTransientScopeForTracking('snap.foo.app', { allowSessionBus: 1 as never }),
      /^"options.allowSessionBus" must be a boolean/,
    ],
    [() => snap.confirmSystemdServiceTracking('snap.foo+comp.app'), /^"securityTag"/],
  ];
  for (const [call, message] of bad) {
    const error = thrownBy(call);
    t.is(error.kind, 'InvalidArgument', String(message));
    t.regex(error.message, message);
  }
});
