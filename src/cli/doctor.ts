// `procward doctor`: what works here, what does not, and what to do about it.

import { existsSync } from 'node:fs';
import { release, userInfo } from 'node:os';
import type { Command } from 'commander';
import { ProcwardError } from '../errors.ts';
import { type FeatureName, type FeatureReport, features } from '../features.ts';
import { type CgroupLayout, cgroupLayout } from '../layout.ts';
import { isSupported, version } from '../native.ts';
import { type ProcfsInfo, procfs } from '../procfs.ts';
import { print, printJson } from './output.ts';
import { paint } from './paint.ts';

/** What `procward doctor --json` prints. */
export interface Diagnosis {
  readonly procward: string;
  readonly runtime: string;
  readonly platform: string;
  readonly supported: boolean;
  /** Why procward cannot be used at all. */
  readonly problem?: string;
  readonly kernel: string;
  /** What was seen of a container: a file or variable that its runtime leaves; null when nothing was. */
  readonly container: string | null;
  readonly user: { readonly uid: number; readonly name: string; readonly capabilities: string | null };
  readonly procfs: ProcfsInfo | { readonly problem: string } | null;
  readonly cgroups: CgroupLayout | { readonly problem: string } | null;
  readonly features: Record<FeatureName, FeatureReport> | null;
}

export function define(command: Command): void {
  command
    .option('--json', 'for programs')
    .addHelpText('after', '\nExit code 1: procward cannot be used here at all.')
    .action(({ json }: { json?: true }) => {
      const diagnosis = diagnose();
      if (json) printJson(diagnosis);
      else print(formatDiagnosis(diagnosis));
      if (diagnosis.problem !== undefined) process.exitCode = 1;
    });
}

/** Looks at everything; throws nothing. */
export function diagnose(): Diagnosis {
  const common = {
    procward: version,
    runtime: `${process.release.name} ${process.versions.node}`,
    platform: `${process.platform} ${process.arch}`,
    kernel: release(),
    container: findContainer(),
  };
  const user = { uid: process.getuid?.() ?? -1, name: userName() };
  try {
    const report = features();
    return {
      ...common,
      supported: true,
      user: { ...user, capabilities: attempt(readCapabilities, null) },
      procfs: attempt(() => procfs().info),
      cgroups: attempt(cgroupLayout),
      features: report,
    };
  } catch (error) {
    if (!(error instanceof ProcwardError)) throw error;
    const nothing = { procfs: null, cgroups: null, features: null };
    return {
      ...common,
      supported: isSupported,
      problem: error.message,
      user: { ...user, capabilities: null },
      ...nothing,
    };
  }
}

/** The diagnosis for a person, aligned, with the trouble explained. */
export function formatDiagnosis(diagnosis: Diagnosis): string {
  const { user, container } = diagnosis;
  const capabilities = user.capabilities === null ? '' : `, capabilities ${describeCapabilities(user.capabilities)}`;
  const facts: [string, string][] = [
    ['procward', `${diagnosis.procward} on ${diagnosis.runtime}, ${diagnosis.platform}`],
    ['kernel', diagnosis.kernel],
    ['container', container ?? 'none seen'],
    ['user', `${user.name} (uid ${user.uid})${capabilities}`],
    ...(diagnosis.procfs === null ? [] : [['procfs', describeProcfs(diagnosis.procfs)] as [string, string]]),
    ...(diagnosis.cgroups === null ? [] : [['cgroups', describeLayout(diagnosis.cgroups)] as [string, string]]),
  ];
  const lines = facts.map(([name, text]) => `${paint('bold', name.padEnd(10))} ${text}`);
  if (diagnosis.problem !== undefined) lines.push('', `${paint('red', '✖')} ${diagnosis.problem}`);
  if (diagnosis.features !== null) lines.push('', ...formatFeatures(diagnosis.features));
  return `${lines.join('\n')}\n`;
}

const MARKS = { yes: ['green', '✔'], degraded: ['yellow', '◐'], no: ['red', '✖'] } as const;

function formatFeatures(report: Record<FeatureName, FeatureReport>): string[] {
  const rows = Object.entries(report);
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.flatMap(([name, { status, since, reason, fallback, fix }]) => {
    const [colour, mark] = MARKS[status];
    const head = `${paint(colour, mark)} ${name.padEnd(width)}  ${paint('dim', since.padEnd(6))}`;
    if (status === 'yes') return [head.trimEnd()];
    return [
      `${head}  ${reason}`,
      paint('dim', `    ${status === 'no' ? 'lost' : 'instead'}: ${fallback}`),
      paint('dim', `    fix: ${fix}`),
    ];
  });
  const count = (wanted: string) => rows.filter(([, { status }]) => status === wanted).length;
  return [...lines, '', `${count('yes')} work, ${count('degraded')} have a fallback, ${count('no')} are missing`];
}

function attempt<T, F = { readonly problem: string }>(look: () => T, otherwise?: F): T | F {
  try {
    return look();
  } catch (error) {
    if (otherwise !== undefined) return otherwise;
    return { problem: error instanceof Error ? error.message : String(error) } as F;
  }
}

/** Hexadecimal, as /proc/self/status has it. */
function readCapabilities(): string {
  const status = procfs().readFileSync('self', 'status', 'utf8');
  return /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
}

function describeCapabilities(hex: string): string {
  const bits = BigInt(`0x${hex}`);
  const known: [bigint, string][] = [
    [21n, 'sys_admin'],
    [19n, 'sys_ptrace'],
    [5n, 'kill'],
    [7n, 'setuid'],
    [12n, 'net_admin'],
  ];
  if (bits === 0n) return 'none';
  const names = known.filter(([bit]) => (bits >> bit) & 1n).map(([, name]) => name);
  return names.length === known.length
    ? 'full'
    : `0x${hex.replace(/^0+/, '')} (${names.join(', ') || 'none that matter here'})`;
}

function describeProcfs(info: NonNullable<Diagnosis['procfs']>): string {
  if ('problem' in info) return info.problem;
  const where =
    info.origin === 'host'
      ? "the host's /proc, every look-up verified"
      : `${info.origin}${info.detached ? ', detached' : ''}`;
  return `${where}; ${info.subset === 'pid' ? 'masked' : 'not masked'}; resolver ${info.resolver}`;
}

function describeLayout(layout: NonNullable<Diagnosis['cgroups']>): string {
  if ('problem' in layout) return layout.problem;
  const mounted = layout.hierarchies.filter(({ mountPoint }) => mountPoint !== null);
  const unified = mounted.find((hierarchy) => hierarchy.version === 2);
  const legacy = mounted
    .filter((hierarchy) => hierarchy.version === 1)
    .flatMap(({ controllers, name }) => (name === null ? controllers : [`name=${name}`]));
  return [
    layout.mode,
    ...(unified ? [`v2 at ${unified.mountPoint}${unified.writable ? '' : ' (read-only for us)'}`] : []),
    ...(legacy.length > 0 ? [`v1: ${legacy.join(' ')}`] : []),
  ].join('; ');
}

function findContainer(): string | null {
  if (process.env['container']) return process.env['container'];
  if (existsSync('/.dockerenv')) return 'docker (/.dockerenv)';
  if (existsSync('/run/.containerenv')) return 'podman (/run/.containerenv)';
  if (process.env['KUBERNETES_SERVICE_HOST']) return 'kubernetes (KUBERNETES_SERVICE_HOST)';
  return null;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // No entry in the user database: common in containers.
    return 'unnamed';
  }
}
