// Whether what came of a call may come of it: a value, an error of ours, or what the caller's own object threw.

import { ProcwardError } from 'procward';
import { isFailure } from '../../src/errors.ts';
import { Hostility } from './hostile-objects.ts';

/** What may be seen from outside. */
export type How = 'returned' | 'threw' | 'resolved' | 'rejected';

export interface Circumstances {
  readonly how: How;
  /** Called as a method of something that it is no method of: then the language answers. */
  readonly strangeReceiver: boolean;
  /** Of the addon, or marked as internal: what it is given counts as checked. */
  readonly isRaw: boolean;
}

const KINDS: ReadonlySet<string> = new Set([
  ...[
    'Gone',
    'NotFound',
    'PermissionDenied',
    'InvalidArgument',
    'Busy',
    'Unsupported',
    'Overmount',
    'NotProcfs',
    'MagicLink',
    'Escape',
  ],
  ...[
    'Masked',
    'Stale',
    'SelfProtected',
    'TimedOut',
    'Leftovers',
    'Frozen',
    'SpawnFailed',
    'TrackingUnavailable',
    'CannotTrack',
    'Closed',
    'Os',
  ],
]);
/** How the checks of arguments speak. */
const CHECK = /^"[^"]*" must be .*; received /s;
/** How V8 speaks of an object of the caller's that cannot be read. */
const UNREADABLE = new RegExp(
  [
    'proxy that has been revoked',
    "^'[\\w\\s]+' on proxy",
    '^Method .+ called on incompatible receiver',
    '^this is not a typed array',
    'on a detached ArrayBuffer$',
    '^undefined is not a function$',
    '^Class constructor \\w+ cannot be invoked',
  ].join('|'),
);
/** How V8 speaks of a private field that is not there, and of a built-in method on the wrong object. */
const STRANGE =
  /this\.\w+ is not a function|private (?:member|field|method)|Receiver must be|Illegal invocation|Cannot read properties of (?:undefined|null)|Cannot convert undefined or null/;
/** The addon's names of them, which are no words of the core. */
const NAPI = /^(?:\w+(?:Expected|Arg|Failure|Exception|Error)|Cancelled|Unknown)$/;

const NO_CONSTRUCTOR = 'Class contains no `constructor`, can not new it!';

/** Undefined when all is well, else what is wrong with it. */
export function complaint(value: unknown, circumstances: Circumstances): string | undefined {
  const { how, isRaw } = circumstances;
  if (/panic/i.test(messageOf(value))) return 'a panic was caught';
  if (how === 'returned' || how === 'resolved') return isRaw ? ofAnswer(value) : undefined;
  if (isCallers(value)) return undefined;
  return isRaw && !(value instanceof ProcwardError) ? ofRawError(value) : ofError(value, circumstances);
}

function ofAnswer(value: unknown): string | undefined {
  if (!isFailure(value) || KINDS.has(value.failure)) return undefined;
  return `a failure of no known kind: ${value.failure}`;
}

function ofRawError(value: unknown): string | undefined {
  if (!(value instanceof Error)) return 'something else than an error was thrown';
  const { code } = value as { code?: unknown };
  if (value instanceof TypeError || value instanceof RangeError || value.message === NO_CONSTRUCTOR) return undefined;
  return typeof code === 'string' && NAPI.test(code) ? undefined : 'an error that is none of Node-API';
}

function ofError(value: unknown, { how, strangeReceiver }: Circumstances): string | undefined {
  if (strangeReceiver && value instanceof TypeError && STRANGE.test(value.message)) return undefined;
  if (value instanceof Error && value.name === 'AbortError') {
    return (value as { code?: unknown }).code === 'ABORT_ERR' ? undefined : 'an AbortError without its code';
  }
  if (!(value instanceof ProcwardError)) return 'an error that procward does not promise';
  const { kind, code, message, stack } = value;
  if (!KINDS.has(kind)) return 'an error of no known kind';
  if (typeof code !== 'string' || code === '') return 'an error without a code';
  if (typeof stack !== 'string') return 'an error without a stack';
  if (CHECK.test(message) && message.length > 5000) return `a message of ${message.length} characters`;
  if (how === 'rejected' && kind === 'InvalidArgument' && CHECK.test(message))
    return 'a bad argument that is not told at once';
  return undefined;
}

/** Thrown by something that the caller has handed over. */
function isCallers(value: unknown): boolean {
  if (value instanceof Hostility) return true;
  return value instanceof TypeError && UNREADABLE.test(value.message);
}

function messageOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  try {
    const { message } = value as { message?: unknown };
    return typeof message === 'string' ? message : '';
  } catch {
    return '';
  }
}
