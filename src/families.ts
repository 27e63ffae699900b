// Applications by name, of whatever family: what procward/snap is one preset of.

import type * as Addon from './addon.d.ts';
import { checkString, checkWait, invalid } from './arguments.ts';
import { perform } from './completions.ts';
import { ProcwardError } from './errors.ts';
import { thawAtExit } from './freeze.ts';
import { mockedFreezing, mockedVersion } from './mocks.ts';
import { native } from './native.ts';
import { createScope } from './scope.ts';

/** A family of applications whose naming scheme the core knows. */
export interface Family {
  /** What the core calls it. */
  readonly name: string;
  /** What an application is called, as errors say it. */
  readonly application: string;
  /** The same of a tag. */
  readonly tag: string;
}

/** How an operation on a whole application may be limited. */
export interface WaitOptions {
  /** Default 3000. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What this thread keeps frozen. Its end releases what is in there, as any lease that nobody has released. */
const frozen = new Map<string, Addon.Lease>();

export function applicationOf(family: Family, pid: number): Promise<string> {
  return asked((version) =>
    perform((environment, id) => native().applicationOf(environment, id, family.name, version, pid)),
  );
}

export function pidsOf(family: Family, application: string): Promise<Map<string, number[]>> {
  const name = checkApplication(family, application);
  return asked(async (version) => {
    const records = await perform<{ tag: string; pids: number[] }[]>((environment, id) =>
      native().pidsOfApplication(environment, id, family.name, version, name),
    );
    return new Map(records.map(({ tag, pids }) => [tag, pids]));
  });
}

export function freeze(family: Family, application: string, options: WaitOptions | undefined): Promise<void> {
  const { timeoutMs, signal } = checkWait(options, ['timeoutMs', 'signal']);
  const mock = mockedFreezing();
  if (mock !== undefined) return called(mock.freeze, checkString('instanceName', application));
  const name = checkApplication(family, application);
  return asked(async (version) => {
    thawAtExit();
    const lease = await perform<Addon.Lease>(
      (environment, id) => native().freezeApplication(environment, id, family.name, version, name, timeoutMs),
      signal,
    );
    // The new one keeps frozen what both have.
    await keep(family, name, lease);
  });
}

export function thaw(family: Family, application: string): Promise<void> {
  const mock = mockedFreezing();
  if (mock !== undefined) return called(mock.thaw, checkString('instanceName', application));
  const name = checkApplication(family, application);
  return asked(async (version) => {
    await perform((environment, id) => native().thawApplication(environment, id, family.name, version, name));
    await keep(family, name, undefined);
  });
}

export function kill(family: Family, application: string, options: WaitOptions | undefined): Promise<void> {
  const { timeoutMs, signal } = checkWait(options, ['timeoutMs', 'signal']);
  const name = checkApplication(family, application);
  return asked(async (version) => {
    await perform(
      (environment, id) => native().killApplication(environment, id, family.name, version, name, timeoutMs),
      signal,
    );
    await keep(family, name, undefined);
  });
}

export async function track(unit: string, allowSessionBus: boolean): Promise<void> {
  await (allowSessionBus ? createScope({ name: unit }, 'session-first') : createScope({ name: unit, bus: 'system' }));
}

export function confirmService(family: Family, tag: string): Promise<void> {
  checkTag(family, tag);
  return asked((version) =>
    perform((environment, id) => native().confirmService(environment, id, family.name, version, tag, process.pid)),
  );
}

/** The unit of a tag, without its ending. */
export function checkTag(family: Family, tag: unknown): string {
  const unit = native().unitOfTag(family.name, checkString('securityTag', tag, family.tag));
  if (unit === undefined || unit === null) throw invalid('securityTag', tag, family.tag);
  return unit;
}

function checkApplication(family: Family, application: unknown): string {
  const name = checkString('instanceName', application, family.application);
  if (!native().isApplication(family.name, name)) throw invalid('instanceName', application, family.application);
  return name;
}

/** Puts a lease in the place of the one that was there, which is released. */
async function keep(family: Family, application: string, lease: Addon.Lease | undefined): Promise<void> {
  const key = `${family.name} ${application}`;
  const before = frozen.get(key);
  if (lease === undefined) frozen.delete(key);
  else frozen.set(key, lease);
  await (before && perform((environment, id) => before.release(environment, id)));
}

async function called(mock: (application: string) => void | Promise<void>, application: string): Promise<void> {
  await mock(application);
}

/** Asks with the version that a test pretends to lead, or leaves it to the core to find out. */
async function asked<T>(ask: (version: number | undefined) => Promise<T>): Promise<T> {
  const version = mockedVersion()?.reveal();
  if (version !== 0) return ask(version);
  throw new ProcwardError({ kind: 'Unsupported', message: 'control groups are not mounted here, says a test' });
}
