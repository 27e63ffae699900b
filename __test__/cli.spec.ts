// The command line as a whole: help, values of options, what is refused, completion.

import { spawnSync } from 'node:child_process';
import test from 'ava';
import { ProcwardError } from 'procward';
import { CATALOGUE } from '../src/cli/catalogue.ts';
import { describeError, messageOf, signalled } from '../src/cli/failure.ts';
import { showAge, showBytes, showCpu } from '../src/cli/output.ts';
import { printable, printableLines } from '../src/cli/printable.ts';
import { groupTarget, target } from '../src/cli/target.ts';
import { cores, count, duration, signal, size } from '../src/cli/values.ts';
import { procward, WORDS } from './command-line.ts';

const commands = CATALOGUE.map(({ name }) => name);

test('every command says how it is used, and the program lists them all', async (t) => {
  const [program, ...each] = await Promise.all(
    [[], ...commands.map((name) => [name])].map((args) => procward([...args, '--help'])),
  );
  for (const name of commands) t.regex(program?.stdout ?? '', new RegExp(`^ +${name} `, 'm'));
  for (const [at, help] of each.entries()) {
    t.like(help, { code: 0, stderr: '' }, commands[at]);
    t.regex(help.stdout, new RegExp(`^Usage: procward ${commands[at]} `, 'm'));
  }
});

const refused: [string[], RegExp][] = [
  [['run'], /missing required argument 'command'/],
  [['run', '--memory', '64X', 'true'], /'--memory <size>' argument '64X' is invalid\. A size is/],
  [['run', '--swap', '-1', 'true'], /'--swap <size>' argument '-1' is invalid\. A size is/],
  [['run', '--pids', '0', 'true'], /'--pids <count>' argument '0' is invalid\. A number of processes is/],
  [['run', '--cpu', 'much', 'true'], /'--cpu <cores>' argument 'much' is invalid\. A number of processors is/],
  [['run', '--limit', 'files=1', 'true'], /'--limit .*' argument 'files=1' is invalid\. A limit is .*nofile/],
  [['run', '--namespaces', 'pid,disk', 'true'], /'--namespaces <list>' argument 'pid,disk' is invalid\..*mount/],
  [['run', '--timeout', '1y', 'true'], /'--timeout <duration>' argument '1y' is invalid\. A duration is/],
  [['run', '--signal', 'LOUD', 'true'], /argument 'LOUD' is invalid\. A signal is/],
  [['run', '--user', 'nobody-of-this-name', 'true'], /'--user' has 'nobody-of-this-name'.*\/etc\/passwd/],
  [['ps', '0'], /'0' is invalid.*A target is/],
  [['ps', '--user', 'nobody-of-this-name'], /'--user' has 'nobody-of-this-name'/],
  [['ps', '4194304'], /ESRCH.*4194304/],
  [['tree', '1@1@1'], /'1@1@1' is invalid.*A target is/],
  [['info'], /missing required argument 'target'/],
  [['info', `${process.pid}@1`], /the process has ended/],
  [['wait', 'init'], /'init' is invalid.*A target is/],
  [['wait', '--timeout', 'soon', '1'], /'--timeout <duration>' argument 'soon' is invalid/],
  [['kill', '-s', '65', '1'], /argument '65' is invalid\. A signal is/],
  [['kill', '4194304'], /ESRCH/],
  [['stop', '4194304'], /ESRCH/],
  [['freeze', '1'], /'1' is invalid.*This works on groups.*procward info 1/],
  [['freeze', '/no/such/group'], /procward: /],
  [['thaw', 'nonsense:'], /'nonsense:' is invalid.*A target is/],
  [['cgroup'], /^Usage: procward cgroup/m],
  [['cgroup', 'watch'], /missing required argument 'group'/],
  [['cgroup', 'groups', '../x'], /is invalid.*A target is/],
  [['proc', 'cat', '//etc/passwd'], /is invalid.*A path below \/proc/],
  [['proc', 'cat', '1/../2/status'], /procward: /],
  [['proc', 'cat', 'no-such-file'], /ENOENT.*\/proc\/no-such-file/],
  [['proc', 'readlink', 'self/status'], /not a link/],
  [['completion', 'csh'], /'csh' is invalid.*Allowed choices are bash, zsh, fish/],
];
test('what is wrong is refused with 125: named, shown, and with what is allowed', async (t) => {
  // A few at a time: each is a program.
  const queue = [...refused];
  const work = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const [args, what] = next;
      const ended = await procward(args);
      t.like(ended, { code: 125, stdout: '' }, args.join(' '));
      t.regex(ended.stderr, what, args.join(' '));
      t.notRegex(ended.stderr, /^ +at /m, args.join(' '));
    }
  };
  await Promise.all([work(), work(), work()]);
});

test('with --json a failure is JSON on standard error', async (t) => {
  const ended = await procward(['info', '4194304', '--json']);
  t.like(ended, { code: 125, stdout: '' });
  t.like(JSON.parse(ended.stderr), { error: { kind: 'NotFound', code: 'ESRCH', pid: 4194304 } });
});

test('values are read as they are meant, or refused', (t) => {
  t.deepEqual(
    ['500ms', '1.5s', '2', '3m', '1h', '1d'].map(duration),
    [500, 1500, 2000, 180_000, 3_600_000, 86_400_000],
  );
  t.deepEqual(['0', '64M', '64MiB', '1.5G', '3k', 'max'].map(size), [
    0n,
    64n << 20n,
    64n << 20n,
    3n << 29n,
    3072n,
    'max',
  ]);
  t.deepEqual(['1', 'max'].map(count), [1n, 'max']);
  t.deepEqual(['0.5', '2', 'max'].map(cores), [0.5, 2, 'max']);
  t.deepEqual(['TERM', 'sigterm', '15', 'rtmin+1', '0'].map(signal), ['SIGTERM', 'SIGTERM', 15, 'SIGRTMIN+1', 0]);
  t.deepEqual([signalled('SIGTERM'), signalled('SIGKILL'), signalled('SIGRTMIN+2')], [143, 137, 164]);
  const readers = { duration, size, count, cores, signal };
  const bad: [keyof typeof readers, string[]][] = [
    ['duration', ['', '-1s', '1e3', 's', '1 s', 'Infinity', `${'9'.repeat(400)}d`]],
    ['size', ['', '-1', '1.5.5M', 'M', '9223372036854775808', '64Q']],
    ['count', ['', '0', '-1', '1.5', '99999999']],
    ['cores', ['', '0', '-1', 'NaN', '1e9']],
    ['signal', ['', '65', '-1', 'SIG', 'RTMIN+31', 'constructor']],
  ];
  for (const [name, texts] of bad)
    for (const text of texts)
      t.throws(() => readers[name](text), { code: 'commander.invalidArgument' }, `${name} ${text}`);
});

test('targets are processes, processes with their start, and groups of any hierarchy', (t) => {
  t.like(target('12'), { type: 'process', pid: 12, startTime: null });
  t.like(target('12@345'), { type: 'process', pid: 12, startTime: '345' });
  t.like(target('/a b/c'), { type: 'group', path: '/a b/c', hierarchy: undefined });
  t.like(target('memory:/a:b'), { path: '/a:b', hierarchy: { controller: 'memory' } });
  t.like(target('name=systemd:/x'), { path: '/x', hierarchy: { name: 'systemd' } });
  for (const text of ['', '0', '-1', '1.5', '4194305', '1@', '1@x', 'a/b', '@1'])
    t.throws(() => target(text), undefined, text);
  t.throws(() => groupTarget('12'), { message: /groups/ });
});

test('text of strangers cannot speak to the terminal', (t) => {
  const hostile = '\x1b]0;owned\x07\x1b[2J\u009b31m\rgone\u202Etxt.exe\u2028\ud800\0';
  const shown = printable(hostile);
  t.is(shown, String.raw`\x1b]0;owned\x07\x1b[2J\x9b31m\rgone\u{202e}txt.exe\u{2028}\u{d800}\x00`);
  t.is(printable('naïve 日本 ✔ \\'), 'naïve 日本 ✔ \\');
  t.is(printableLines('a\tb\n\x1b[31m'), 'a\tb\n\\x1b[31m');
  const error = new ProcwardError({
    kind: 'NotFound',
    message: 'no \x1b[31m',
    processes: [{ pid: 1, state: 'D', wchan: 'x' }],
  });
  // Of this module's own class, as the commands throw it, only the message is shown.
  t.true(messageOf(error).startsWith(String.raw`no \x1b[31m`));
  t.like(describeError(error), { kind: 'NotFound' });
});

test('sizes, times and ages are shown as people read them', (t) => {
  t.deepEqual([0, 1023, 1536, 64 << 20, 5_000_000_000n, 'max', null].map(showBytes), [
    '0 B',
    '1023 B',
    '1.5 KiB',
    '64 MiB',
    '4.7 GiB',
    'max',
    '?',
  ]);
  t.deepEqual([0, 61_234].map(showCpu), ['0:00.00', '1:01.23']);
  t.deepEqual([5_000, 65_000, 3_660_000, 90_000_000].map(showAge), ['5s', '1m05s', '1h01m', '1d01h']);
});

test('bash completes commands, options, shells and process ids', async (t) => {
  const { stdout: script, code } = await procward(['completion', 'bash']);
  t.is(code, 0);
  const complete = (...words: string[]) => {
    const asked = `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _procward; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', asked, 'bash', 'procward', ...words], { encoding: 'utf8' });
    t.is(stderr, '');
    return stdout.trim().split('\n');
  };
  t.deepEqual(complete('').sort(), [...commands].sort());
  t.deepEqual(complete('do'), ['doctor']);
  t.true(complete('run', '--mem').includes('--memory'));
  t.deepEqual(complete('cgroup', 'l'), ['layout']);
  t.deepEqual(complete('cgroup', 'layout', '--j'), ['--json']);
  t.deepEqual(complete('completion', ''), ['bash', 'zsh', 'fish']);
  t.true(complete('kill', String(process.pid)).includes(String(process.pid)));
  t.true(complete('run', '--', 'bas').includes('bash'));
});

for (const shell of ['zsh', 'fish'] as const) {
  test(`${shell} is given every command and option`, async (t) => {
    const { stdout, code } = await procward(['completion', shell]);
    t.is(code, 0);
    for (const name of [...commands, 'layout', 'readlink']) t.regex(stdout, new RegExp(`\\b${name}\\b`), name);
    for (const option of ['memory', 'timeout', 'no-kernel']) t.true(stdout.includes(option), option);
    // Where the shell is here, it has to understand it.
    const checked = spawnSync(shell, ['-n', '/dev/stdin'], { input: stdout, encoding: 'utf8' });
    if (checked.error === undefined) t.like(checked, { status: 0, stderr: '' });
  });
}

test('a reader that goes away is no failure', (t) => {
  const { stdout, stderr } = spawnSync('bash', ['-c', '"$@" tree --kernel | head -c 1', 'bash', ...WORDS], {
    encoding: 'utf8',
  });
  t.is(stdout.length, 1);
  t.is(stderr, '');
});
