// The programs that an installed procward is tried with: one of our own, and what the README shows.

/** Says what it is, and uses a little of everything that the addon does. */
const OURS = `import { equal } from 'node:assert/strict';
import { features, isSupported, Process, ProcwardError, procfs, run, spawn, version } from 'procward';

equal(isSupported, true);
equal(procfs().readFileSync('self', 'stat', 'utf8').split(' ')[0], String(process.pid));
equal((await run('echo', ['hello'])).stdout.toString(), 'hello\\n');
const child = await spawn('sh', ['-c', 'exit 3'], { stdio: 'ignore' });
const exit = await child.wait();
equal(exit.type === 'exited' && exit.code, 3);
try {
  Process.open(2 ** 22);
} catch (error) {
  equal(error instanceof ProcwardError && error.kind, 'NotFound');
}
console.log(JSON.stringify({ version, groups: features().cgroup_v2_write.status }));
`;

/** Every program with its name; groups get names of their own, below which nothing else is. */
export function programs(readme, group) {
  const snippets = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text], at) => ({
    name: `readme-${at + 1}`,
    text: text.replaceAll(/(Cgroup\.(?:create|open)\()'\/[^']*'/g, `$1'/${group}-${at + 1}'`),
    needsGroups: /\bCgroup\.(create|open)|createTransientScope/.test(text),
  }));
  return [{ name: 'ours', text: OURS, needsGroups: false }, ...snippets];
}

/** The same where a module cannot wait: imports first, and the rest in a function. */
export function inFunction(text) {
  const lines = text.split('\n');
  const isImport = (line) => /^import .* from '.*';$/.test(line);
  const imports = lines.filter(isImport);
  const rest = lines.filter((line) => !isImport(line));
  return [...imports, 'async function main(): Promise<void> {', ...rest, '}', 'void main();', ''].join('\n');
}
