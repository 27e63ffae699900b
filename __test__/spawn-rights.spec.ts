// What a child may do: capabilities, filters, and what was set on the thread that starts it.

import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import test from 'ava';
import { type SpawnOptions, spawn } from 'procward';
import { collect } from './collect.ts';
import { rejectionOf } from './failure.ts';
import { refusing } from './filter.ts';
import { needing } from './needs.ts';

const NOBODY = { uid: 65534, gid: 65534 };
/** Numbers in capabilities(7): net_bind_service is bit 10. */
const NET_BIND_SERVICE = 1n << 10n;

const capabilitiesOf = async (options: SpawnOptions): Promise<Record<string, bigint>> => {
  const { stdout } = await collect('cat', ['/proc/self/status'], options);
  return Object.fromEntries(
    [...stdout.matchAll(/^Cap(\w+):\s+(\w+)$/gm)].map(([, set, bits]) => [set, BigInt(`0x${bits}`)]),
  );
};

needing('root')('ambient capabilities outlive the change of user, and all others are dropped', async (t) => {
  const sets = await capabilitiesOf({
    credentials: NOBODY,
    ambientCapabilities: ['net_bind_service'],
    dropCapabilities: 'all',
    noNewPrivileges: true,
  });
  t.deepEqual(sets, {
    Inh: NET_BIND_SERVICE,
    Prm: NET_BIND_SERVICE,
    Eff: NET_BIND_SERVICE,
    Bnd: NET_BIND_SERVICE,
    Amb: NET_BIND_SERVICE,
  });
});

needing('root')('a capability that was dropped cannot be gained by what is executed', async (t) => {
  const { Bnd: ours = 0n } = await capabilitiesOf({});
  const { Bnd: theirs, Eff } = await capabilitiesOf({ dropCapabilities: ['CAP_NET_BIND_SERVICE', 'chown'] });
  t.is(theirs, ours & ~NET_BIND_SERVICE & ~1n);
  t.is(Eff, theirs);
});

test('a filter lets the program start, and nothing that it forbids', async (t) => {
  const mkdirat = process.arch === 'x64' ? 258 : 34;
  const mkdir = process.arch === 'x64' ? 83 : 34;
  const filter = refusing(constants.errno.EDQUOT, mkdirat, mkdir); // Which nothing else here answers.
  const { stdout, stderr } = await collect(
    'sh',
    ['-c', 'grep ^Seccomp: /proc/self/status; mkdir /tmp/procward-test-never'],
    {
      seccomp: filter,
      noNewPrivileges: true,
    },
  );
  t.regex(stdout, /^Seccomp:\s+2$/m);
  t.regex(stderr, /quota/i);
  const nonsense = spawn('true', [], { seccomp: Buffer.alloc(8, 0xff), noNewPrivileges: true });
  t.like(await rejectionOf(nonsense), { kind: 'SpawnFailed', stage: 'seccomp', code: 'EINVAL' });
});

test('what is no ruleset fails at stage landlock', async (t) => {
  const directory = openSync('/', 'r');
  t.teardown(() => closeSync(directory));
  for (const landlock of [directory, 4000]) {
    const error = await rejectionOf(spawn('true', [], { landlock, noNewPrivileges: true }));
    t.like(error, { kind: 'SpawnFailed', stage: 'landlock' });
    t.true(['EBADF', 'EBADFD', 'EOPNOTSUPP', 'ENOSYS'].includes(error.code), error.code);
  }
});
