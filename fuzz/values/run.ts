// Runs the fuzzer and says what it found: used by the command, and by the test of a short round.

import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Jail, NOT_HERE } from './jail.ts';
import type { Orders, Report } from './program.ts';
import type { How } from './verdict.ts';

export interface Finding {
  readonly call: number;
  readonly what: string;
  readonly wrong: string;
  readonly detail: string;
}

export interface Round {
  readonly calls: number;
  readonly findings: readonly Finding[];
  /** How many things were called. */
  readonly names: number;
  /** Those that never did what they are for. */
  readonly unreached: readonly string[];
  readonly tally: Readonly<Record<How, number>>;
  /** After the first tenth, and at the end. */
  readonly rssBytes: readonly [early: number, late: number];
}

export interface Listeners {
  /** @param calls How many were made by now. */
  readonly onProgress?: (calls: number) => void;
  readonly onFinding?: (finding: Finding) => void;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

/** This host has no room for the fuzzer. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom';
}

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Far longer than any call or batch takes: nothing but a hang. */
const HANG_MS = 120_000;
/** After that many there is enough to be mended. */
const MAX_FINDINGS = 200;

/** A directory with the package and the fuzzer bundled beside it, which a user who may not read the checkout may read. */
export async function prepareFuzzer(): Promise<Disposable & { readonly directory: string; readonly program: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'procward-values-'));
  chmodSync(directory, 0o755);
  const addons = readdirSync(root).filter((name) => name.endsWith('.node'));
  mkdirSync(join(directory, 'procward'));
  for (const name of ['package.json', 'dist', ...addons])
    cpSync(join(root, name), join(directory, 'procward', name), { recursive: true });
  // Inside the package, so that it finds the addon where the sources expect it, and the package by its own name.
  const program = join(directory, 'procward', 'dist', 'values.mjs');
  await build({
    entryPoints: [join(root, 'fuzz', 'values', 'program.ts')],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['procward', 'procward/*'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return { directory, program, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Makes these calls, in a new program each time that one of them ended the last. */
export async function fuzz(
  orders: Omit<Orders, 'scratch'>,
  { onProgress = () => {}, onFinding = () => {}, signal = new AbortController().signal }: Listeners = {},
): Promise<Round> {
  using fuzzer = await prepareFuzzer();
  const found: Finding[] = [];
  let round: Round = {
    calls: 0,
    findings: [],
    names: 0,
    unreached: [],
    tally: { returned: 0, threw: 0, resolved: 0, rejected: 0 },
    rssBytes: [0, 0],
  };
  const last = orders.first + orders.calls;
  let first = orders.first;
  while (first < last && found.length < MAX_FINDINGS && !signal.aborted) {
    const before = round.calls;
    const listeners = { onProgress: (calls: number) => onProgress(before + calls), onFinding, signal };
    const part = await runOne(fuzzer, { ...orders, first, calls: last - first }, listeners);
    found.push(...part.findings);
    round = { ...part, calls: before + part.calls, tally: sum(round.tally, part.tally) };
    first = part.next;
  }
  return { ...round, findings: found };
}

async function runOne(
  { directory, program }: { readonly directory: string; readonly program: string },
  orders: Omit<Orders, 'scratch'>,
  { onProgress, onFinding, signal }: Required<Listeners>,
): Promise<Round & { readonly next: number }> {
  await using jail = await Jail.start(program, directory, orders);
  const { child } = jail;
  const findings: Finding[] = [];
  const find = (finding: Finding) => {
    findings.push(finding);
    onFinding(finding);
  };
  const rss: number[] = [];
  let calls = 0;
  let tally: Round['tally'] = { returned: 0, threw: 0, resolved: 0, rejected: 0 };
  let end: Extract<Report, { type: 'end' }> | undefined;
  const stop = () => jail.end();
  signal.addEventListener('abort', stop, { once: true });
  let hangs = false;
  let lastSeen = -1;
  const watchdog = setInterval(() => {
    hangs = jail.call === lastSeen;
    lastSeen = jail.call;
    if (hangs) jail.end();
  }, HANG_MS);

  const stderr = child.stderr === null ? Promise.resolve('') : text(child.stderr);
  try {
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      const report = parse(line);
      if (report?.type === 'finding') find(report);
      if (report?.type === 'end') end = report;
      if (report?.type === 'batch') {
        calls += report.calls;
        rss.push(report.rssBytes);
        tally = report.tally;
        onProgress(calls);
      }
      if (findings.length > MAX_FINDINGS) jail.end();
    }
  } finally {
    clearInterval(watchdog);
    signal.removeEventListener('abort', stop);
  }
  const exit = await child.wait();
  const said = (await stderr).trim();
  if (exit.type === 'exited' && exit.code === NOT_HERE)
    throw new NoRoom(`no mounts can be made in a user namespace here: ${said}`);
  const { call } = jail;
  if (end === undefined && !signal.aborted) {
    const wrong = hangs ? 'a call that does not come back' : `the program ended with ${JSON.stringify(exit)}`;
    find({ call, what: 'the program', wrong, detail: said });
  } else if (said !== '' && !signal.aborted) {
    find({ call, what: 'the program', wrong: 'something was written to stderr', detail: said });
  }
  const early = rss[Math.floor(rss.length / 10)] ?? 0;
  return {
    calls,
    findings,
    names: end?.names ?? 0,
    unreached: end?.unreached ?? [],
    tally,
    rssBytes: [early, rss.at(-1) ?? 0],
    next: end === undefined ? Math.max(call, orders.first) + 1 : orders.first + orders.calls,
  };
}

/** Children of the fuzzer may write there, too. */
function parse(line: string): Report | undefined {
  try {
    const report = JSON.parse(line) as Report | null;
    return typeof report === 'object' && report !== null ? report : undefined;
  } catch {
    return undefined;
  }
}

function sum(one: Round['tally'], other: Round['tally']): Round['tally'] {
  return {
    returned: one.returned + other.returned,
    threw: one.threw + other.threw,
    resolved: one.resolved + other.resolved,
    rejected: one.rejected + other.rejected,
  };
}
