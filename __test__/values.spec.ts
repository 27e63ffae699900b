// Arbitrary JavaScript values for everything that can be called: a short round of what fuzz/values makes a million of.

import test from 'ava';
import * as procward from 'procward';
import * as snap from 'procward/snap';
import * as testing from 'procward/testing';
import { type Entries, entries } from '../fuzz/values/entries.ts';
import { obstacle } from '../fuzz/values/jail.ts';
import { fuzz, NoRoom } from '../fuzz/values/run.ts';
import { surfaceOf } from '../fuzz/values/surface.ts';
import { native } from '../src/native.ts';

/** The same calls each time: what is found by chance is for the long rounds. */
const SEED = 1;
const { PROCWARD_VALUES = '20000' } = process.env;
/** They need a systemd, or are made by other functions only, or come back only where they cannot do what they are for. */
const NEVER_SUCCEED = [
  ...['procward: createTransientScope', 'procward: exec', 'procward: new Child', 'procward: Process#releaseMemory'],
  ...[
    'procward/snap: createTransientScopeForTracking',
    'procward/snap: confirmSystemdServiceTracking',
    'procward/snap: snapNameFromPid',
  ],
  ...['Process', 'Child', 'Cgroup', 'Lease', 'ProcFile', 'Procfs', 'Scope', 'Watch'].map(
    (name) => `addon: new ${name}`,
  ),
  ...['Scope#describe', 'Scope#stop', 'Scope#freeze', 'Scope#thaw', 'thawForGood'].map((name) => `addon: ${name}`),
  ...['Child#close', 'Cgroup#close', 'ProcFile#close', 'Watch#close'].map((name) => `addon: ${name}`),
  // Where no group may be made there is none to be frozen, or watched.
  ...(procward.features().cgroup_v2_write.status === 'yes'
    ? []
    : ['procward: freezeAll', 'addon: Lease#release', 'addon: Watch#next']),
];

for (const [name, module] of Object.entries({
  procward,
  'procward/snap': snap,
  'procward/testing': testing,
  addon: native(),
})) {
  test(`the fuzzer of values knows all that can be called of ${name}, and nothing else`, (t) => {
    const known: Entries = entries[name as keyof typeof entries];
    const callable = surfaceOf(module).map((each) => each.name);
    t.deepEqual(Object.keys(known).sort(), callable.sort());
  });
}

const why = obstacle();
if (why !== undefined) process.stderr.write(`SKIPPED the fuzzer of values: ${why}\n`);

(why === undefined ? test : test.skip)(
  'thousands of calls with arbitrary values end in a value or an error of ours, and leave nothing',
  async (t) => {
    try {
      const { findings, calls, unreached } = await fuzz({ seed: SEED, first: 0, calls: Number(PROCWARD_VALUES) });
      t.deepEqual(findings, []);
      t.is(calls, Number(PROCWARD_VALUES));
      // Else nobody would notice that what counts as valid here is refused by now. What a short round missed by chance is called
      // by itself, and has to succeed then.
      for (const only of unreached.filter((name) => !NEVER_SUCCEED.includes(name) && !name.includes('group'))) {
        const alone = await fuzz({ seed: SEED, first: 0, calls: 1000, only });
        t.deepEqual(alone.findings, []);
        t.false(alone.unreached.includes(only), only);
      }
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error;
      process.stderr.write(`SKIPPED the fuzzer of values: ${error.message}\n`);
      t.pass();
    }
  },
);
