// How the command line fails: one line on standard error, and an exit code that wrappers of commands agree on.

import { ProcwardError } from '../errors.ts';
import { signalNumber } from '../signals.ts';
import { printable } from './printable.ts';

/** procward itself failed: as env, timeout, nohup and docker have it. */
export const FAILED = 125;
/** Time was up, as timeout has it. */
export const TIMED_OUT = 124;
/** The command was found and cannot be executed. */
export const NOT_EXECUTABLE = 126;
/** The command was not found. */
export const NOT_FOUND = 127;

/** What a shell says of a process that a signal ended. */
export function signalled(signal: string): number {
  return 128 + signalNumber('signal', signal);
}

/** Something of the user's that cannot be: told without a stack. */
export class Refusal extends Error {}

/** What `--json` prints of an error, on standard error or among results. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { kind, code, path, pid, stage, feature, hint, processes } = error as Partial<ProcwardError>;
  return { message: error.message, kind, code, path, pid, stage, feature, hint, processes };
}

/** Tells of an error and sets the exit code; one that is no answer of the system is thrown on, with its stack. */
export function report(error: unknown, args: readonly string[] = process.argv.slice(2)): void {
  if (!isAnswer(error)) throw error;
  const end = args.indexOf('--');
  const isJson = (end < 0 ? args : args.slice(0, end)).includes('--json');
  const text = isJson ? JSON.stringify({ error: describeError(error) }) : `procward: ${messageOf(error)}`;
  process.stderr.write(`${text}\n`);
  process.exitCode = isTimeUp(error) ? TIMED_OUT : FAILED;
}

/** One line, safe to be shown. */
export function messageOf(error: unknown): string {
  const message = printable(error instanceof Error ? error.message : String(error));
  if (!(error instanceof ProcwardError) || error.processes === undefined) return message;
  const shown = error.processes.map(({ pid, state, wchan }) => `${pid} (${state}${wchan ? ` in ${wchan}` : ''})`);
  return shown.length === 0 ? message : `${message}: ${shown.join(', ')}`;
}

/** True for what is told, false for what is a mistake in this program. */
export function isAnswer(error: unknown): boolean {
  return error instanceof ProcwardError || error instanceof Refusal || isSystemError(error);
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function isTimeUp(error: unknown): boolean {
  return error instanceof ProcwardError && error.kind === 'TimedOut';
}
