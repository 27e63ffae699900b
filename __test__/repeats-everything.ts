// Does each operation as often as it is told to, on things of its own, and lets go of what it got: for whoever looks for leaks.

import { closeSync } from 'node:fs';
import {
  Cgroup,
  cgroupLayout,
  cgroupPathOf,
  features,
  freezeAll,
  type GroupMatcher,
  getResourceLimit,
  isNotExist,
  isTemporary,
  Process,
  Procfs,
  ProcwardError,
  pipe,
  procfs,
  run,
  runSync,
  setResourceLimit,
  spawn,
  trackingPathOf,
  waitAll,
  waitAny,
} from 'procward';
import { pidsOfSnap, snapNameFromPid } from 'procward/snap';

const rounds = Number(process.argv[2] ?? 1);
/** A number that no process has. */
const none = 2 ** 22;
const IDENTITY = { containerId: 0, hostId: 0, size: 1 };
const hierarchies = cgroupLayout().hierarchies.filter(
  ({ mountPoint, version, controllers }) => mountPoint !== null && (version === 2 || controllers.includes('freezer')),
);

/** Each is done by itself, so that one that this machine lacks leaves the others be. */
const operations: Record<string, () => unknown> = {
  features: () => features(),
  layout: () => cgroupLayout(),
  limits: () => setResourceLimit('core', getResourceLimit('core')),
  pipe: () => Object.values(pipe()).forEach(closeSync),
  membership: async () => {
    await trackingPathOf(process.pid);
    await cgroupPathOf(process.pid, { unified: true });
  },
  snap: async () => {
    await rejected(() => snapNameFromPid(process.pid));
    await pidsOfSnap('none');
  },
  'private /proc': async () => {
    using first = Procfs.openSync();
    using second = await Procfs.open({ unmasked: true });
    first.readFileSync('self', 'stat');
    await second.withUnmasked((unmasked) => unmasked.readFile('root', 'version'));
  },
  'shared /proc': async () => {
    const proc = procfs();
    using file = await proc.openSelf('status');
    await file.text();
    await file.read(new Uint8Array(100), 0);
    file.stat();
    using again = await proc.reopen(file.fd);
    await again.bytes();
    await proc.readdir('self', 'fdinfo');
    await proc.readlink('root', 'self', 'buffer');
    await proc.writeFile('thread-self', 'comm', 'node');
    proc.readlinkSync('root', 'self');
  },
  'what fails': async () => {
    for (const attempt of [
      () => Process.open(none),
      () => procfs().readFile('self', 'none'),
      () => spawn('/none'),
      () => Cgroup.open('/none'),
      () => procfs().openSync('self', '../x'),
    ]) {
      await rejected(attempt);
    }
  },
  'this process': async () => {
    using self = Process.self();
    using same = Process.fromIdentity(self.identity);
    self.info();
    same.signal(0);
    await same.readFile('stat');
    await same.readlink('exe');
    (await self.open('maps')).close();
  },
  'a child': async () => {
    await using child = await spawn('sleep', ['1000'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      umask: 0o22,
      niceness: 1,
      resourceLimits: { core: { soft: 0n } },
      session: true,
    });
    using held = Process.open(child.pid);
    await rejected(() => held.wait({ signal: AbortSignal.timeout(1) }));
    held.getResourceLimit('nofile');
    child.pollState();
    child.signal('SIGTERM');
    await Promise.all([child.wait(), held.wait(), waitAny([child, held]), waitAll([child])]);
  },
  'a program': async () => {
    await run('echo', ['text'], { timeoutMs: 10_000 });
    runSync('true');
  },
  'as another': async () => {
    await using child = await spawn('true', [], {
      credentials: { uid: 65534, gid: 65534 },
      noNewPrivileges: true,
      dropCapabilities: 'all',
      parentDeathSignal: 'SIGKILL',
    });
    await child.wait();
  },
  'in namespaces': async () => {
    await using child = await spawn('true', [], {
      namespaces: ['user', 'pid', 'mount'],
      userNamespace: { uidMap: [IDENTITY], gidMap: [IDENTITY] },
    });
    await child.wait();
  },
  ...Object.fromEntries(hierarchies.map(({ version }) => [`a group of version ${version}`, () => useGroup(version)])),
};

async function useGroup(version: 1 | 2): Promise<void> {
  const hierarchy: GroupMatcher = version === 2 ? { unified: true } : { controller: 'freezer' };
  using group = Cgroup.create(`/procward-leaks-${process.pid}`, hierarchy);
  try {
    using inner = group.createChild('inner');
    await using child = await spawn('sleep', ['1000'], { cgroup: inner });
    group.contains(child);
    await group.pids({ recursive: true });
    for await (using member of group.processes({ recursive: true })) member.signal(0);
    await group.children();
    // The controllers may be attached to another hierarchy.
    await group.limits().catch(isNotExist);
    await group.stats();
    const stopping = new AbortController();
    // Version 1 announces nothing of such a group.
    const event =
      version === 2 ? group.watch({ signal: stopping.signal })[Symbol.asyncIterator]().next() : Promise.resolve();
    {
      await using _lease = await group.freeze({ timeoutMs: 20_000 });
      group.freezeState();
    }
    await (await freezeAll([inner], { timeoutMs: 20_000 }))[Symbol.asyncDispose]();
    await group.kill({ timeoutMs: 20_000 });
    await child.wait();
    stopping.abort();
    await event.catch(() => undefined);
  } finally {
    await group.kill({ timeoutMs: 20_000 });
    await group.remove({ recursive: true, timeoutMs: 20_000 });
  }
}

async function rejected(attempt: () => unknown): Promise<boolean> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof ProcwardError || (error instanceof Error && /^(Timeout|Abort)Error$/.test(error.name)))
      return isTemporary(error);
    throw error;
  }
  throw new Error('it did not fail');
}

const left: Record<string, string> = {};
for (const [name, operation] of Object.entries(operations)) {
  let done = 0;
  try {
    for (; done < rounds; done += 1) await operation();
  } catch (error) {
    left[name] = `${done} of ${rounds}: ${error instanceof Error ? error.message : error}`;
  }
}
process.stdout.write(`${JSON.stringify({ operations: Object.keys(operations).length, rounds, left })}\n`);
