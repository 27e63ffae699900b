// What the console of a guest tells: which part runs, what its tests said, and how it ended.

import { createInterface } from 'node:readline';

/** Reads to the end of it; `onLine` gets every line. The results of what began, in order. */
export async function readConsole(stream, onLine) {
  const console = { release: undefined, isOver: false, parts: [] };
  let part;
  for await (const line of createInterface({ input: stream })) {
    // The kernel of the guest and its tests write colours and carriage returns.
    const text = line.replaceAll(/\x1b(\[[0-9;?]*[A-Za-z]|\(B)|[\r\x0f]/g, '');
    onLine(text);
    const [, event, rest = ''] = /::: (on|begin|end|over) ?(.*)$/.exec(text) ?? [];
    if (event === 'on') console.release = rest;
    else if (event === 'begin') console.parts.push((part = { title: rest, lines: [], status: undefined, seconds: undefined }));
    else if (event === 'end') [part.status, part.seconds] = rest.split(' ').map(Number);
    else if (event === 'over') console.isOver = true;
    else part?.lines.push(text);
  }
  return console;
}

/** How many passed, which failed and which were left out and why, of a part. */
export function resultOf({ title, lines, status }) {
  const result = title.startsWith('core:') ? ofLibtest(lines) : ofTap(lines);
  const ended = status === undefined ? 'did not end' : status === 0 ? undefined : `ended with ${status}`;
  // A failing test explains a status; nothing explains a part that counted none.
  if (ended !== undefined && (status === undefined || result.failed.length === 0)) {
    result.failed.push({ title: ended, lines: lines.slice(-25) });
  }
  return result;
}

function ofLibtest(lines) {
  const result = { passed: 0, failed: [], skipped: [] };
  for (const line of lines) {
    // In full: tests that start their own program again print through each other.
    const [, passed, ignored] = /^test result: \w+\. (\d+) passed; \d+ failed; (\d+) ignored; .* finished in [0-9.]+s$/.exec(line) ?? [];
    if (passed !== undefined) {
      result.passed += Number(passed);
      result.skipped.push(...Array.from({ length: Number(ignored) }, () => 'ignored'));
    }
    // It left early, which its harness takes for a success.
    const [, reason] = /^(?:test .* \.\.\. )?SKIPPED .*?: needs (.*)$/.exec(line) ?? [];
    if (reason !== undefined) result.skipped.push(reason);
  }
  result.passed -= result.skipped.filter((reason) => reason !== 'ignored').length;
  const summary = lines.lastIndexOf('failures:');
  for (const line of summary < 0 ? [] : lines.slice(summary + 1)) {
    const [, title] = /^ {4}(\S+)$/.exec(line) ?? [];
    if (title === undefined) continue;
    const start = lines.indexOf(`---- ${title} stdout ----`);
    const length = lines.slice(start + 1).findIndex((other) => other.startsWith('---- ') || other === 'failures:');
    result.failed.push({ title, lines: start < 0 ? [] : lines.slice(start + 1, start + 1 + length) });
  }
  return result;
}

function ofTap(lines) {
  const result = { passed: 0, failed: [], skipped: [] };
  let detail;
  for (const line of lines) {
    const [, not, title] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? [];
    if (title === undefined) {
      if (line.startsWith('  ')) detail?.push(line);
      continue;
    }
    detail = undefined;
    if (/# (SKIP|TODO)/.test(title)) result.skipped.push(title);
    else if (not === undefined) result.passed += 1;
    else result.failed.push({ title, lines: (detail = []) });
  }
  return result;
}
