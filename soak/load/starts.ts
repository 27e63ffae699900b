// Children in every form: what they are started with, what they are connected by, and what becomes of their handles.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type Child, features, type SpawnOptions, spawn } from 'procward';
import type { Random } from './random.ts';
import type { Works } from './work.ts';

const isRoot = process.getuid?.() === 0;
/** One instruction, BPF_RET of SECCOMP_RET_ALLOW: everything passes. */
const ALLOW = Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f);
const ids = [{ containerId: 0, hostId: process.getuid?.() ?? 0, size: 1 }];
const groupIds = [{ containerId: 0, hostId: process.getgid?.() ?? 0, size: 1 }];
const inside = { uidMap: ids, gidMap: groupIds };

const ordinary: readonly SpawnOptions[] = [
  {},
  { cwd: '/tmp', env: { PATH: process.env['PATH'], SOAK: '1' }, argv0: 'soaked' },
  { session: true, umask: 0o77 },
  { processGroup: 'new', niceness: 5 },
  { cpuAffinity: [0] },
  { resourceLimits: { nofile: { soft: 64n }, core: { soft: 0n, hard: 0n } } },
  { oomScoreAdjust: 500 },
  { parentDeathSignal: 'SIGKILL', ignoredSignals: ['SIGHUP', 'SIGPIPE'] },
  { noNewPrivileges: true, seccomp: ALLOW },
  { timeoutMs: 60_000 },
];
const ofNamespaces: readonly SpawnOptions[] = [
  { namespaces: ['user', 'pid', 'mount'], userNamespace: inside },
  { unshare: ['user', 'uts', 'ipc'], userNamespace: inside },
];
const ofRoot: readonly SpawnOptions[] = [
  { credentials: { uid: 65534, gid: 65534 } },
  { dropCapabilities: 'all' },
  { credentials: { uid: 65534, gid: 65534 }, ambientCapabilities: ['net_bind_service'] },
  { root: '/' },
  { namespaces: ['uts', 'ipc', 'cgroup'] },
];
const forms = [
  ...ordinary,
  ...(features().user_namespaces.status === 'yes' ? ofNamespaces : []),
  ...(isRoot ? ofRoot : []),
];

export const starts: Works = {
  'spawn in every form': {
    share: 30,
    async work({ random, room }) {
      const code = random.below(256);
      const cgroup = room.has('unified') && random.chance(20) ? room.create('unified') : undefined;
      const options = { stdio: 'ignore', ...random.one(forms), ...(cgroup && { cgroup }) } as const;
      const child = await spawn('sh', ['-c', `exit ${code}`], options);
      const exit = await child.wait();
      assert.equal(exit.type === 'exited' && exit.code, code);
      leave(child, random);
      await cgroup?.remove();
    },
  },
  'spawn with pipes': {
    share: 12,
    async work({ random }) {
      const said = 'x'.repeat(random.one([1, 100, 70_000]));
      const child = await spawn('sh', ['-c', 'cat; cat <&3 >&2'], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
      const { stdin, stdout, stderr } = child;
      assert(stdin && stdout && stderr);
      const further = child.stdio[3] as Duplex;
      further.resume();
      stdin.end(said);
      further.end('further');
      assert.deepEqual(await Promise.all([text(stdout), text(stderr)]), [said, 'further']);
      await child.wait();
      await child[Symbol.asyncDispose]();
    },
  },
  'spawn on descriptors of ours': {
    share: 5,
    async work() {
      const fd = openSync('/dev/null', 'r+');
      const child = await spawn('cat', [], { stdio: [fd, { fd }, 'inherit'] });
      closeSync(fd);
      await child.wait();
      child.close();
    },
  },
  'spawn, and nobody waits': {
    share: 5,
    async work() {
      await spawn('true', [], { stdio: 'ignore' });
    },
  },
  'a child as a ChildProcess': {
    share: 5,
    async work({ random }) {
      const code = random.below(256);
      const child = await spawn('sh', ['-c', `exit ${code}`], { stdio: ['ignore', 'pipe', 'ignore'] });
      const emitter = child.toChildProcess();
      const closed = once(emitter, 'close');
      child.stdout?.resume();
      assert.deepEqual(await closed, [code, null]);
      leave(child, random);
    },
  },
};

/** Closes it, disposes of it, or leaves it to the collector. */
function leave(child: Child, random: Random): void {
  random.one([() => child.close(), () => child[Symbol.asyncDispose](), () => {}])();
}
