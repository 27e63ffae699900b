// Pretences for the tests of other programs: they nest, and are taken back in any order.

import test from 'ava';
import { cgroupVersion, isUnified } from 'procward';
import { freezeSnapProcesses, pidsOfSnap, thawSnapProcesses } from 'procward/snap';
import { mockCgroupVersion, mockFreezing } from 'procward/testing';
import { thrownBy } from './failure.ts';

test.serial('freezing and thawing call what was put in their place, with the name', async (t) => {
  const calls: string[] = [];
  const restore = mockFreezing(
    (name) => void calls.push(`freeze ${name}`),
    async (name) => void calls.push(`thaw ${name}`),
  );
  await freezeSnapProcesses('foo');
  await thawSnapProcesses('foo_key');
  t.deepEqual(calls, ['freeze foo', 'thaw foo_key']);
  restore();
  const failing = mockFreezing(
    () => {
      throw new Error('no freeze');
    },
    () => Promise.reject(new Error('no thaw')),
  );
  await t.throwsAsync(freezeSnapProcesses('foo'), { message: 'no freeze' });
  await t.throwsAsync(thawSnapProcesses('foo'), { message: 'no thaw' });
  failing();
  t.is(calls.length, 2);
});

test.serial('of several mocks the last counts, in whatever order they are taken back', async (t) => {
  const real = { version: cgroupVersion(), isUnified: isUnified() };
  const calls: string[] = [];
  const put = (name: string) =>
    mockFreezing(
      () => void calls.push(name),
      () => {},
    );
  const [one, two, three] = [put('one'), put('two'), put('three')];
  await freezeSnapProcesses('foo');
  two();
  await freezeSnapProcesses('foo');
  three();
  await freezeSnapProcesses('foo');
  three();
  two();
  await freezeSnapProcesses('foo');
  one();
  t.deepEqual(calls, ['three', 'three', 'one', 'one']);

  const seen: unknown[] = [];
  const look = () => seen.push([cgroupVersion(), isUnified()]);
  const [first, second] = [mockCgroupVersion(2), mockCgroupVersion(1)];
  look();
  first();
  look();
  const third = mockCgroupVersion(2);
  second();
  look();
  third();
  t.deepEqual(seen, [
    [1, false],
    [1, false],
    [2, true],
  ]);
  t.deepEqual({ version: cgroupVersion(), isUnified: isUnified() }, real);
});

test.serial('where the version cannot be found out everything says why, and none is no version', async (t) => {
  const why = new Error('cannot determine the version');
  const restore = mockCgroupVersion(0, why);
  t.is(
    t.throws(() => cgroupVersion()),
    why,
  );
  t.false(isUnified());
  t.is(await t.throwsAsync(pidsOfSnap('foo')), why);
  t.is(await t.throwsAsync(freezeSnapProcesses('foo')), why);
  restore();
  const none = mockCgroupVersion(0);
  t.is(cgroupVersion(), 0);
  await t.throwsAsync(thawSnapProcesses('foo'), { message: /not mounted/ });
  none();
});

test.serial('what is no mock is refused', (t) => {
  t.regex(thrownBy(() => mockFreezing(1 as never, () => {})).message, /^"freeze" must be a function/);
  t.regex(thrownBy(() => mockFreezing(() => {}, undefined as never)).message, /^"thaw" must be a function/);
  t.regex(thrownBy(() => mockCgroupVersion(3 as never)).message, /^"version" must be 0, 1 or 2; received 3/);
  t.regex(thrownBy(() => mockCgroupVersion(1, 'no' as never)).message, /^"error" must be an Error/);
});
