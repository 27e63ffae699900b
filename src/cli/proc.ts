// `procward proc`: files and links of /proc, read so that nothing mounted over them is taken for them.

import { type Command, InvalidArgumentError } from 'commander';
import { type ProcBase, procfs } from '../procfs.ts';
import { print, printJson } from './output.ts';
import { printable, printableLines } from './printable.ts';
import { openProcess, type ProcessTarget, target } from './target.ts';

/** Below what, and what. */
interface Place {
  readonly text: string;
  readonly base: 'root' | ProcessTarget;
  readonly path: string;
}

export function define(command: Command): void {
  command
    .command('cat')
    .description('print a file: sys/kernel/osrelease, 1234/status, 1234@567890/cmdline')
    .argument('<file>', 'its path below /proc', place)
    .option('--raw', 'bytes as they are, also on a terminal')
    .option('--escape', 'with everything a terminal could obey written as escapes; the default on a terminal')
    .option('--json', 'for programs: { path, text }, or base64 for what is no text')
    .action(cat);
  command
    .command('readlink')
    .description('print where a link leads, without following it: 1234/exe, 1234/fd/1, 1234/ns/net')
    .argument('<link>', 'its path below /proc', place)
    .option('--raw', 'bytes as they are, also on a terminal')
    .option('--escape', 'as for cat')
    .option('--json', 'for programs: { path, text }, or base64 for what is no text')
    .action(readlink);
}

function place(text: string): Place {
  const path = text.replace(/^\/proc(?:\/|$)/, '');
  if (path.startsWith('/') || path === '') {
    throw new InvalidArgumentError('A path below /proc is allowed, like 1234/status or /proc/sys/kernel/osrelease.');
  }
  const [, first = '', rest = ''] = /^([^/]*)\/?(.*)$/s.exec(path) ?? [];
  if (!/^\d/.test(first)) return { text: path, base: 'root', path };
  const found = target(first);
  return { text: path, base: found as ProcessTarget, path: rest };
}

interface Shape {
  readonly raw?: true;
  readonly escape?: true;
  readonly json?: true;
}

async function cat(place: Place, shape: Shape): Promise<void> {
  show(place, await within(place, (base) => procfs().readFile(base, place.path)), shape, '');
}

async function readlink(place: Place, shape: Shape): Promise<void> {
  show(place, await within(place, (base) => procfs().readlink(base, place.path, 'buffer')), shape, '\n');
}

async function within<T>({ base }: Place, read: (base: ProcBase) => Promise<T>): Promise<T> {
  if (base === 'root') return read('root');
  using held = openProcess(base);
  return await read(held);
}

function show({ text: path }: Place, bytes: Buffer, { raw, escape: escaped, json }: Shape, end: string): void {
  const text = bytes.toString();
  if (json) {
    const isText = Buffer.from(text).equals(bytes);
    printJson({ path, ...(isText ? { text } : { base64: bytes.toString('base64') }) });
    return;
  }
  const isSafe = escaped || (!raw && process.stdout.isTTY);
  if (isSafe) print(`${end === '' ? printableLines(text) : printable(text)}${end}`);
  else process.stdout.write(Buffer.concat([bytes, Buffer.from(end)]));
}
