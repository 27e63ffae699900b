// Namespaces, root and terminal of a child.

import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { type NamespaceName, type SpawnOptions, spawn } from 'procward';
import { collect } from './collect.ts';
import { rejectionOf } from './failure.ts';
import { fixture, RUNTIME } from './fixture.ts';
import { has, needing } from './needs.ts';

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;

/** Root inside, whoever we are outside. */
const rootInside: SpawnOptions['userNamespace'] = {
  uidMap: [{ containerId: 0, hostId: uid, size: 1 }],
  gidMap: [{ containerId: 0, hostId: gid, size: 1 }],
};

/** The link of each kind below /proc/self/ns, in the order of the type. */
const links: Readonly<Record<NamespaceName, string>> = {
  user: 'user',
  pid: 'pid',
  mount: 'mnt',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  cgroup: 'cgroup',
  time: 'time',
};

const entersTime = has('timens');
const isKnown = (name: NamespaceName) => name !== 'time' || entersTime;

async function namespacesOf(options: SpawnOptions): Promise<readonly NamespaceName[]> {
  const names = (Object.keys(links) as NamespaceName[]).filter(isKnown);
  const { stdout } = await collect(
    'readlink',
    names.map((name) => `/proc/self/ns/${links[name]}`),
    options,
  );
  const theirs = stdout.trim().split('\n');
  return names.filter((name, at) => theirs[at] !== readlinkSync(`/proc/self/ns/${links[name]}`));
}

needing('userns')('a child has the new namespaces that it was given, without privilege', async (t) => {
  const kinds: NamespaceName[] = ['user', 'mount', 'network', 'ipc', 'uts', 'cgroup', 'time'];
  const all = kinds.filter(isKnown);
  for (const name of all.slice(1)) {
    t.deepEqual(await namespacesOf({ namespaces: ['user', name], userNamespace: rootInside }), ['user', name]);
  }
  t.deepEqual(await namespacesOf({ namespaces: all, userNamespace: rootInside }), all);
  t.deepEqual(await namespacesOf({}), []);
});

needing('userns')('the first of a pid namespace is number 1', async (t) => {
  const options: SpawnOptions = { namespaces: ['user', 'pid'], userNamespace: rootInside };
  t.is((await collect('sh', ['-c', 'echo $$'], options)).stdout, '1\n');
});

needing('userns')('a new network namespace has nothing but its loopback device', async (t) => {
  const options: SpawnOptions = { unshare: ['user', 'network'], userNamespace: rootInside };
  const { stdout } = await collect('cat', ['/proc/self/net/dev'], options);
  t.deepEqual(
    stdout.match(/^\s*\w+:/gm)?.map((name) => name.trim()),
    ['lo:'],
  );
});

for (const way of ['namespaces', 'unshare'] as const) {
  needing('userns')(`ids are those of the maps, for ${way}`, async (t) => {
    const options: SpawnOptions = { [way]: ['user'], userNamespace: rootInside };
    const { stdout } = await collect('sh', ['-c', 'id -u; id -g; cat /proc/self/setgroups'], options);
    t.is(stdout, '0\n0\ndeny\n');
  });

  needing('userns')(`maps that the kernel refuses fail at stage id-map, for ${way}`, async (t) => {
    const twice = [0, 0].map((containerId) => ({ containerId, hostId: uid, size: 1 }));
    const options: SpawnOptions = { [way]: ['user'], userNamespace: { uidMap: twice, gidMap: [] } };
    t.like(await rejectionOf(spawn('true', [], options)), { kind: 'SpawnFailed', stage: 'id-map', code: 'EINVAL' });
  });
}

needing('root', 'userns')('root maps any ids, and may leave groups changeable', async (t) => {
  const ids = [{ containerId: 0, hostId: 1000, size: 100 }];
  const options: SpawnOptions = {
    namespaces: ['user'],
    userNamespace: { uidMap: ids, gidMap: ids, setgroups: true },
    credentials: { uid: 7, gid: 8, groups: [9] },
  };
  t.is((await collect('sh', ['-c', 'id -u; id -g; id -G'], options)).stdout, '7\n8\n8 9\n');
});

needing('userns')('credentials leave groups alone where they cannot be changed', async (t) => {
  const options: SpawnOptions = {
    namespaces: ['user'],
    userNamespace: rootInside,
    credentials: { uid: 0, gid: 0 },
  };
  t.is((await collect('id', ['-u'], options)).stdout, '0\n');
});

needing('root', 'pidfd')('a child enters the namespaces of another process', async (t) => {
  await using first = await spawn('sleep', ['1000'], { stdio: 'ignore', namespaces: ['uts', 'ipc'] });
  const theirs = async (options: SpawnOptions) =>
    (await collect('readlink', ['/proc/self/ns/uts', '/proc/self/ns/ipc'], options)).stdout.trim().split('\n');
  const [uts, ipc] = await Promise.all(['ns/uts', 'ns/ipc'].map((link) => first.readlink(link)));
  t.deepEqual(await theirs({ enterNamespacesOf: { process: first, namespaces: ['uts', 'ipc'] } }), [uts, ipc]);
  t.deepEqual(await theirs({ enterNamespacesOf: { process: first, namespaces: ['uts'] } }), [
    uts,
    readlinkSync('/proc/self/ns/ipc'),
  ]);
});

needing('userns')('mounts of a child stay its own', async (t) => {
  for (const way of ['namespaces', 'unshare'] as const) {
    const script = 'mount -t tmpfs none /mnt && grep -c " /mnt tmpfs " /proc/self/mounts';
    const options: SpawnOptions = { [way]: ['user', 'mount'], userNamespace: rootInside };
    t.is((await collect('sh', ['-c', script], options)).stdout, '1\n', way);
    t.false(readFileSync('/proc/self/mounts', 'utf8').includes(' /mnt tmpfs '));
  }
});

needing('root')('a root is entered and not left', async (t) => {
  // Nothing of a program is in there: that it is not found shows that the root has changed before.
  // There is no /dev/null: the child has the one outside.
  const options: SpawnOptions = { root: '/sys', env: { PATH: '/bin:/usr/bin' }, stdio: 'ignore' };
  t.like(await rejectionOf(spawn('true', [], options)), { stage: 'exec', code: 'ENOENT' });
  const missing = await rejectionOf(spawn('true', [], { root: '/no/such/root' }));
  t.like(missing, { kind: 'SpawnFailed', stage: 'root', code: 'ENOENT', path: '/no/such/root' });
  // The root of the root is the root.
  const { stdout } = await collect('pwd', ['-P'], { root: '/' });
  t.is(stdout, '/\n');
});

const script = spawnSync('script', ['--version']).status === 0 ? test : test.skip;

script('a child comes to the foreground of our terminal, and can give its terminal up', (t) => {
  const command = [...RUNTIME, fixture('uses-its-terminal.mjs')].map((word) => `'${word}'`).join(' ');
  const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.is(status, 0, stdout);
  t.deepEqual(JSON.parse(stdout.slice(stdout.indexOf('{'))), {
    // Its group is the foreground's; it does not stop, and neither do we when we take the terminal back.
    foreground: true,
    detached: '0',
    // It is our session's already, and is not taken from us.
    controlling: { stage: 'terminal', code: 'EPERM' },
  });
});
