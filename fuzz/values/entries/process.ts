// Process and Child.

import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Child, Process } from 'procward';
import { unwrap } from '../../../src/errors.ts';
import { native } from '../../../src/native.ts';
import type { Entries, Entry } from '../entries.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

const on = (random: Random, world: World) => random.pick<object>([...world.processes, ...world.ended]);
/** Those whose exit is known: whoever waits on this thread for any other waits for ever. */
const onEnded = (random: Random, world: World) => random.pick<object>(world.ended);
const onChild = (random: Random, world: World) => random.pick<object>([...world.victims, ...world.ended]);
const onClosed = (random: Random, world: World) =>
  random.pick(world.closed.filter((handle) => handle instanceof Process));
const onClosedChild = (random: Random, world: World) =>
  random.pick(world.closed.filter((handle) => handle instanceof Child));
const abort = (random: Random) =>
  random.pick([AbortSignal.timeout(2), AbortSignal.abort(), new AbortController().signal]);
const path = (random: Random) => random.pick(['status', 'comm', 'stat', 'ns/net', 'fd', 'cwd', 'nowhere']);
const resource = (random: Random) => random.pick(['nofile', 'core', 'nproc', 'stack']);
const close = { args: () => [], on: onClosed, trusts: true };

/** Also after the handle was closed. */
const sometimesClosed = (entry: Entry): Entry => ({
  ...entry,
  on: (random, world) => (random.percent(10) ? onClosedChild(random, world) : entry.on?.(random, world)),
});

const methods: Entries = {
  'Process#get pidfd': { args: () => [], on },
  'Process#get identity': { args: () => [], on },
  'Process#get alive': { args: () => [], on },
  'Process#get isClosed': { internal: true, args: () => [], on },
  'Process#signal': {
    args: (random) => [
      random.pick<unknown>(['SIGTERM', 0, 'SIGCONT', 'SIGRTMIN+3']),
      random.some({ scope: random.pick(['process', 'thread', 'group']) }),
    ],
    on,
    lethal: true,
  },
  'Process#wait': { args: (random) => [random.some({ signal: abort(random) })], on },
  'Process#waitSync': {
    args: (random) => [random.some({ timeoutMs: random.pick([0, 1, 10]) })],
    on: onEnded,
    blocks: true,
  },
  'Process#info': { args: () => [], on },
  'Process#readFile': {
    args: (random) => [path(random), random.pick<unknown>([undefined, 'utf8', 'latin1', 'hex'])],
    on,
  },
  'Process#readFileSync': { args: (random) => [path(random), 'utf8'], on },
  'Process#readlink': { args: (random) => [random.pick(['exe', 'cwd', 'fd/0', 'status'])], on },
  'Process#open': { args: (random) => [path(random), random.some({ flags: 'r', directory: true, follow: true })], on },
  'Process#duplicateFd': {
    args: (random) => [random.pick([0, 1, 2, 9])],
    on,
    after: (_, result) => closeSync(result as number),
  },
  'Process#releaseMemory': { args: () => [], on },
  'Process#getResourceLimit': { args: (random) => [resource(random)], on },
  'Process#setResourceLimit': {
    args: (random) => [resource(random), random.some({ soft: 64n, hard: 'infinity' })],
    on: onChild,
    lethal: true,
  },
  'Process#ref': { args: () => [], on },
  'Process#unref': { args: () => [], on },
  'Process#startWait': { internal: true, delivers: true, args: () => [], on: onEnded },
  'Process#waitOnThread': { internal: true, args: () => [0], on: onEnded, blocks: true },
  'Child#pollState': { args: () => [], on: onChild },
  'Child#toChildProcess': {
    args: () => [],
    on: onChild,
    // Without a listener it would be an exception, as Node has it.
    after: (_, result) => void (result as ChildProcess).on('error', () => {}),
  },
  'Child#endWhen': {
    internal: true,
    trusts: true,
    args: (random) => [abort(random), 9, 10],
    on: onChild,
    lethal: true,
  },
  'Child#startWait': { internal: true, delivers: true, args: () => [], on: onEnded },
  'Child#waitOnThread': { internal: true, args: () => [0], on: onEnded, blocks: true },
};

export const process: Entries = {
  ...Object.fromEntries(Object.entries(methods).map(([name, entry]) => [name, sometimesClosed(entry)])),
  'new Process': { internal: true, args: (_, world) => [world.closeLater(unwrap(native().Process.own()))], rarely: 5 },
  'new Child': { internal: true, args: () => [{}, 'true', ['true']], rarely: 5 },
  'Process.open': {
    args: (random, world) => [
      random.pick([globalThis.process.pid, 1, 2, random.pick(world.processes).pid]),
      random.some({ thread: random.percent(50) }),
    ],
  },
  'Process.self': { args: () => [] },
  'Process.fromIdentity': { args: (random, world) => [{ ...identity(random, world) }] },
  'Process#close': close,
  'Process#[Symbol.dispose]': close,
  'Child#close': { trusts: true, args: () => [], on: onClosedChild },
  'Child#[Symbol.asyncDispose]': { trusts: true, args: () => [], on: onClosedChild },
};

function identity(random: Random, world: World): object {
  try {
    return random.pick(world.processes).identity;
  } catch {
    return { bootId: 'gone', pid: 1, startTime: '1', inode: null };
  }
}
