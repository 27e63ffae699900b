// One operation, done again and again, with each of its calls failing in turn.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ProcwardError } from 'procward';
import { thawSnapProcesses } from 'procward/snap';
import { type Census, census, growth } from '../census.ts';
import { flawOf, type Operation, type Outcome } from './operation.ts';
import { type Came, ERRNOS, type Errno, give, takeBack } from './order.ts';

/** For each call and each error: what became of it, and how often. */
export type Table = Map<string, Map<Errno, Map<string, number>>>;

export interface Trial {
  readonly table: Table;
  readonly faults: number;
  readonly problems: readonly string[];
}

/** Far above what any operation grants itself. */
const LIMIT_MS = 20_000;
/** A loop that makes more calls than that waits for something that the fault keeps from coming. */
const CALLS = 2000;
/** After as many problems the next ones tell nothing new. */
const ENOUGH = 8;

/** @param long Every call fails in every way; else each in one, and the next one in the next. */
export async function attempt<S, T>(operation: Operation<S, T>, long: boolean, start: number): Promise<Trial> {
  const table: Table = new Map();
  const problems: string[] = [];
  let faults = 0;
  // The first time may set up what stays.
  await pass();
  await succeed(operation);
  await succeed(operation);
  const before = census();
  const mounts = mountTable();
  for (const first of long ? ERRNOS.keys() : [start]) {
    for (let nth = 0, run = first; nth < CALLS; nth += step(nth, long)) {
      const errno = ERRNOS[run % ERRNOS.length] as Errno;
      if (!long) run += 1;
      const { came, problem, told } = await fail(operation, nth, errno, before);
      if (problem !== undefined) problems.push(`call ${nth}, ${came.call ?? 'none'}, ${errno}: ${problem}`);
      if (problems.length >= ENOUGH) return { table, faults, problems };
      if (came.call !== null) {
        faults += 1;
        count(table, came.call, errno, told);
      }
      if (!came.reached) break;
      if (nth + step(nth, long) >= CALLS) problems.push(`${errno}: its calls never end`);
    }
  }
  const left = await growth(before);
  if (Object.keys(left).length > 0) problems.push(`left behind: ${JSON.stringify(left)}`);
  if (mountTable() !== mounts) problems.push('mounts were left');
  return { table, faults, problems };
}

/** Who makes hundreds of calls makes the same ones again and again: of the later ones fewer fail. */
const step = (nth: number, long: boolean) => 1 + Math.floor(nth / (long ? 64 : 8));

interface Failed {
  readonly came: Came;
  readonly told: string;
  readonly problem: string | undefined;
}

async function fail<S, T>(operation: Operation<S, T>, nth: number, errno: Errno, before: Census): Promise<Failed> {
  const subject = await operation.before();
  await pass();
  give(nth, errno);
  const outcome = await settle(() => operation.act(subject));
  const came = takeBack();
  let problem: string | undefined;
  try {
    problem = await judge(operation, subject, outcome, errno, came);
    await operation.after?.(subject);
    problem ??= await leak(before);
  } catch (error) {
    problem = `afterwards: ${error instanceof Error ? error.stack : error}`;
  }
  return { came, problem, told: tell(outcome, operation) };
}

/** Through the background thread, once: what was begun there before is under way from then on, and meets no fault. */
const pass = () => thawSnapProcesses('nobody');

/** What is wrong with how it went, and with how it goes without a fault. */
async function judge<S, T>(
  operation: Operation<S, T>,
  subject: S,
  outcome: Outcome<T>,
  errno: Errno,
  came: Came,
): Promise<string | undefined> {
  if (isRight(operation, outcome)) return isTrue(operation, subject, outcome);
  if (!('error' in outcome)) return `an answer where there is none: ${String(outcome.value)}`;
  if (came.call === null) return `fails without a fault: ${String(outcome.error)}`;
  const flaw = flawOf(outcome.error, errno);
  if (flaw !== undefined) return flaw;
  await operation.undone?.(subject);
  if (operation.consumes) return again(operation, await operation.before(), true);
  return again(operation, subject, false);
}

async function again<S, T>(operation: Operation<S, T>, subject: S, ends: boolean): Promise<string | undefined> {
  const outcome = await settle(() => operation.act(subject));
  const problem = isRight(operation, outcome)
    ? await isTrue(operation, subject, outcome)
    : `the next time it fails by itself: ${tell(outcome, operation)} ${'error' in outcome ? outcome.error : ''}`;
  if (ends) await operation.after?.(subject);
  return problem;
}

/** As it goes without a fault: it succeeds, or fails as it must. */
function isRight<S, T>({ expects }: Operation<S, T>, outcome: Outcome<T>): boolean {
  if (expects === undefined) return 'value' in outcome;
  return 'error' in outcome && outcome.error instanceof ProcwardError && outcome.error.kind === expects;
}

async function isTrue<S, T>(operation: Operation<S, T>, subject: S, outcome: Outcome<T>): Promise<string | undefined> {
  if (!('value' in outcome)) return undefined;
  const right = operation.right === undefined || (await operation.right(outcome.value, subject));
  await operation.release?.(outcome.value, subject);
  return right ? undefined : `not true: ${String(outcome.value)}`;
}

/** Once without a fault. */
async function succeed<S, T>(operation: Operation<S, T>): Promise<void> {
  const subject = await operation.before();
  const problem = await again(operation, subject, true);
  if (problem !== undefined) throw new Error(problem);
}

/** How it ends, which it must: nothing can be said of what comes after an operation that hangs. */
async function settle<T>(act: () => T | Promise<T>): Promise<Outcome<T>> {
  const hanging = new AbortController();
  const limit = delay(LIMIT_MS, undefined, { signal: hanging.signal, ref: true }).then(
    (): Outcome<T> => ({ error: new Error(`it did not settle within ${LIMIT_MS} ms`) }),
  );
  limit.catch(() => {});
  const work = async (): Promise<Outcome<T>> => {
    try {
      return { value: await act() };
    } catch (error) {
      return { error };
    }
  };
  const outcome = await Promise.race([work(), limit]);
  hanging.abort();
  return outcome;
}

/** What there is more of than before. Looked at in short each time, and in full only when that grew. */
async function leak(before: Census): Promise<string | undefined> {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').length - 1;
  if (readdirSync('/proc/self/fd').length <= before.descriptors && children <= before.children) return undefined;
  const left = await growth(before);
  return Object.keys(left).length === 0 ? undefined : `left behind: ${JSON.stringify(left)}`;
}

function tell<S, T>(outcome: Outcome<T>, operation: Operation<S, T>): string {
  if (isRight(operation, outcome)) return 'survived';
  const error = 'error' in outcome ? outcome.error : undefined;
  return error instanceof ProcwardError ? error.kind : 'wrong';
}

/** Notes what became of a fault. */
export function count(table: Table, call: string, errno: Errno, told: string): void {
  const errnos = table.get(call) ?? new Map<Errno, Map<string, number>>();
  const kinds = errnos.get(errno) ?? new Map<string, number>();
  kinds.set(told, (kinds.get(told) ?? 0) + 1);
  errnos.set(errno, kinds);
  table.set(call, errnos);
}

const mountTable = () => readFileSync('/proc/self/mountinfo', 'utf8');
