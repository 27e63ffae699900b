// Scopes of a real systemd, which the test boots in namespaces of its own; and the answer where none runs.

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { createTransientScope } from 'procward';
import { createTransientScopeForTracking } from 'procward/snap';
import { rejectionOf } from './failure.ts';
import { fixture, RUNTIME } from './fixture.ts';
import { needing } from './needs.ts';
import { packagePath } from './source.ts';

/** Far above what a boot takes: one second, and half a minute on a machine that is busy beyond measure. */
const LIMIT_MS = 110_000;

const booting = needing('root', 'cgroup2', 'mounts', 'systemd_binary');

/** What the scenarios made of it, by their names. */
async function ask(manager: 'system' | 'user', ...scenarios: string[]): Promise<Record<string, unknown>> {
  const program = ['__test__/fixtures/asks-systemd.mjs', ...scenarios];
  const { stdout } = await promisify(execFile)(
    'bash',
    [fixture('boots-systemd.sh'), manager, packagePath(), ...RUNTIME, ...program],
    { timeout: LIMIT_MS },
  );
  return JSON.parse(stdout) as Record<string, unknown>;
}

booting('the system manager makes scopes: for others, fifty at once, and for the asking process', async (t) => {
  const { others, stolen, fifty, own } = (await ask('system', 'others', 'stolen', 'fifty', 'own')) as {
    others: { unit: string; cgroupPath: string; shown: string };
    stolen: object;
    fifty: object;
    own: { unit: string; path: string };
  };
  t.regex(others.unit, /^others-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.scope$/);
  t.is(others.cgroupPath, `/lab.slice/${others.unit}`);
  t.deepEqual(others.shown.trim().split('\n').sort(), [
    'AllowedCPUs=0',
    'CPUWeight=50',
    'Description=two sleepers',
    'MemoryMax=67108864',
    'SendSIGHUP=yes',
    'Slice=lab.slice',
    'TasksMax=17',
  ]);
  t.like(others, {
    bus: 'system',
    isComplete: true,
    states: [{ state: 'frozen' }, { state: 'thawed' }],
    ends: ['SIGTERM', 'SIGTERM'],
    afterwards: { kind: 'Gone' },
  });
  t.like(stolen, { isInSecond: true, freezeOfFirst: { kind: 'Gone' }, stopOfFirst: null, survived: true });
  t.deepEqual(fifty, { units: 50, right: 50 });
  t.true(own.path.endsWith(`/${own.unit}`), own.path);
  t.like(own, { freeze: { kind: 'SelfProtected' }, stop: { kind: 'SelfProtected' } });
});

booting('what the system manager refuses is told by its kind, and its bus may come and go', async (t) => {
  const { refused, other, restarted } = await ask('system', 'refused', 'other:session', 'restarted');
  const { unknownProperty, badValue, ended, aborted, late } = refused as Record<string, { message: string }>;
  t.like(unknownProperty, { kind: 'InvalidArgument' });
  t.regex(unknownProperty?.message ?? '', /MemoryMix/);
  t.like(badValue, { kind: 'InvalidArgument' });
  t.like(ended, { kind: 'Gone' });
  t.like(aborted, { name: 'AbortError' });
  t.deepEqual(late as object, 'inTime' in (late as object) ? { inTime: true } : { kind: 'TimedOut' });
  t.like(other, { kind: 'TrackingUnavailable' });
  t.regex((other as { message: string }).message, /session manager at unix:path=\/run\/user\/0\/bus: ENOENT/);
  t.deepEqual(restarted, [true, true, true]);
});

booting('the manager is reached at its own socket, and from another pid namespace, if it takes pidfds', async (t) => {
  const { private: result, namespaced } = await ask('system', 'private', 'namespaced');
  t.like(result, { isInSecond: true, freezeOfFirst: { kind: 'Gone' }, survived: true });
  const { version } = namespaced as { version: number };
  t.like(namespaced, version >= 255 ? { right: true } : { kind: 'CannotTrack' });
});

booting(
  'an unprivileged user gets a scope from the manager of the user, and freezes and ends what is in it',
  async (t) => {
    const results = await ask('user', 'delegated', 'others', 'fifty', 'other:system', 'command', 'own');
    const { delegated, others, fifty, other, command, own } = results as Record<string, { unit: string; path: string }>;
    t.like(delegated, { bus: 'session', frozen: { state: 'frozen' }, end: 'SIGKILL' });
    t.like(others, {
      bus: 'session',
      isComplete: true,
      states: [{ state: 'frozen' }, { state: 'thawed' }],
      ends: ['SIGTERM', 'SIGTERM'],
    });
    t.deepEqual(fifty as object, { units: 50, right: 50 });
    t.like(other, { kind: 'PermissionDenied' });
    const { status, stdout, stderr } = command as unknown as { status: number; stdout: string; stderr: string };
    t.is(status, 3, stderr);
    t.regex(stdout, /^0::\/.*\/procward-run-[0-9a-f-]{36}\.scope\/command$/m);
    t.like(JSON.parse(stderr), { exitCode: 3, group: stdout.trim().replace('0::', '') });
    t.true(own?.path.endsWith(`/${own.unit}`), own?.path);
  },
);

const UUID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** What a process that moves itself is found to be, and what others of a snap are, in either manager. */
function checkSnap(t: ExecutionContext, results: Record<string, unknown>): void {
  t.like(results, {
    listed: [['snap.foo_key.app', true]],
    states: [{ state: 'frozen' }, { state: 'thawed' }],
    end: 'SIGKILL',
    services: [null, { kind: 'CannotTrack' }],
    confirmed: { kind: 'CannotTrack' },
  });
  const [failure, path, name] = results['app'] as [unknown, string, string];
  t.deepEqual([failure, name], [null, 'foo']);
  t.regex(path, new RegExp(`/snap\\.foo\\.app-${UUID}\\.scope$`));
}

booting('a snap is tracked by the system manager, to which root falls back, as app, hook and service', async (t) => {
  const { snap } = (await ask('system', 'snap:system')) as { snap: Record<string, unknown> };
  checkSnap(t, snap);
  const [failure, path, listed] = snap['hook'] as [unknown, string, unknown];
  t.is(failure, null);
  t.regex(path, new RegExp(`/snap\\.foo\\\\x2bcomp\\.hook\\.install-${UUID}\\.scope$`));
  t.deepEqual(listed, [['snap.foo+comp.hook.install', true]]);
});

booting('a snap of a user is tracked by the manager of the user, and not as a hook', async (t) => {
  const { snap } = (await ask('user', 'snap:session')) as { snap: Record<string, unknown> };
  checkSnap(t, snap);
  const [failure, path, listed] = snap['hook'] as [unknown, string, unknown];
  t.like(failure, { kind: 'PermissionDenied' });
  t.regex(path, /\/snap\.foo\.app-[^/]+$/, 'it stays where it was');
  t.deepEqual(listed, [['snap.foo.app', true]]);
});

(needing('systemd') === test ? test.skip : test)('where systemd is not running that is said at once', async (t) => {
  const before = readdirSync('/proc/self/fd').length;
  const error = await rejectionOf(createTransientScope({ name: 'nowhere' }));
  t.like(error, { kind: 'TrackingUnavailable', code: 'ERR_PROCWARD_TRACKING_UNAVAILABLE' });
  t.regex(error.message, /^systemd is not running here: \/run\/systemd\/system does not exist$/);
  t.true(readdirSync('/proc/self/fd').length <= before + 8, 'the background thread, and no connection');
  for (const allowSessionBus of [true, false]) {
    const untracked = createTransientScopeForTracking('snap.foo.app', { allowSessionBus });
    t.like(await rejectionOf(untracked), { kind: 'TrackingUnavailable' });
  }
});

test('options are checked before anything happens', async (t) => {
  const good = { name: 'good' };
  const bad: [unknown, RegExp][] = [
    [undefined, /^"options" must be an object/],
    [{}, /^"options.name" must be letters.*received undefined/],
    [{ name: 'a/b' }, /^"options.name" .*received 'a\/b'/],
    [{ name: '@a' }, /^"options.name"/],
    [{ name: 'a'.repeat(213) }, /^"options.name"/],
    [{ ...good, processes: [] }, /^"options.processes" .*one at least/],
    [{ ...good, processes: [1.5] }, /^"options.processes\[0\]"/],
    [{ ...good, processes: 1 }, /^"options.processes"/],
    [{ ...good, slice: 'app' }, /^"options.slice" must be a slice/],
    [{ ...good, slice: 'a--b.slice' }, /^"options.slice"/],
    [{ ...good, description: 'a\0b' }, /^"options.description"/],
    [{ ...good, delegate: 1 }, /^"options.delegate" must be a boolean/],
    [{ ...good, bus: 'both' }, /^"options.bus" must be one of 'auto', 'session', 'system'/],
    [{ ...good, timeoutMs: -1 }, /^"options.timeoutMs"/],
    [{ ...good, signal: 1 }, /^"options.signal"/],
    [{ ...good, what: 1 }, /^"options.what" must be left out/],
    [{ ...good, properties: [] }, /^"options.properties" must be an object/],
    [{ ...good, properties: { 'a b': 1 } }, /^"options.properties.a b"/],
    [{ ...good, properties: { MemoryMax: 1.5 } }, /^"options.properties.MemoryMax" .*received 1.5/],
    [{ ...good, properties: { MemoryMax: 2n ** 65n } }, /^"options.properties.MemoryMax"/],
    [{ ...good, properties: { MemoryMax: null } }, /^"options.properties.MemoryMax"/],
    [{ ...good, properties: { After: [1] } }, /^"options.properties.After\[0\]"/],
    [{ ...good, properties: { MemoryMax: 'much' } }, /"MemoryMax" must be .*received "much"/],
    [{ ...good, properties: { MemoryMax: -1 } }, /"MemoryMax" must be .*received -1/],
    [{ ...good, properties: { MemoryMax: 2n ** 64n } }, /MemoryMax" must be .*received 18446744073709551616n/],
    [{ ...good, properties: { PIDs: 1 } }, /"PIDs" is not set as a property/],
    [{ ...good, properties: { Slice: 'a.slice' } }, /"Slice" is not set as a property/],
  ];
  for (const [options, message] of bad) {
    const error = t.throws(() => void createTransientScope(options as never), undefined, String(message));
    t.like(error, { name: 'ProcwardError', kind: 'InvalidArgument' }, String(message));
    t.regex(error?.message ?? '', message);
  }
  const aborted = createTransientScope({ ...good, signal: AbortSignal.abort() });
  await t.throwsAsync(aborted, { name: 'AbortError' });
});
