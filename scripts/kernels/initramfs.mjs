// The archive that a guest starts from: a shell, the modules that it needs to reach the host's tree, and what it has to do.

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const INIT = fileURLToPath(new URL('init.sh', import.meta.url));
/** The root of the host by virtiofs, a writable layer over it, and what tests ask for. Missing ones are built in. */
const WANTED = ['virtio_pci', 'virtio_rng', 'virtiofs', 'overlay', 'fuse'];

/** Writes it into `scratch`, and returns its path. */
export function makeInitramfs({ scratch, busybox, kernel, job }) {
  const tree = join(scratch, 'initramfs');
  for (const directory of ['bin', 'dev', 'proc', 'sys', 'host', 'layer', 'root', 'whole', 'modules']) {
    mkdirSync(join(tree, directory), { recursive: true });
  }
  copyFileSync(busybox, join(tree, 'bin/busybox'));
  for (const applet of call(busybox, ['--list']).toString().trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(tree, 'bin', applet));
  }
  copyFileSync(INIT, join(tree, 'init'));
  chmodSync(join(tree, 'init'), 0o755);
  writeFileSync(join(tree, 'job'), job);
  writeFileSync(join(tree, 'modules/order'), copyModules(kernel, join(tree, 'modules')).map((name) => `${name}\n`).join(''));
  const archive = join(scratch, 'initramfs.cpio');
  const names = readdirSync(tree, { recursive: true }).sort().join('\n');
  const { status, stderr } = spawnSync(busybox, ['cpio', '-o', '-H', 'newc', '-R', '0:0'], {
    cwd: tree,
    input: names,
    stdio: ['pipe', openSync(archive, 'w'), 'pipe'],
  });
  if (status !== 0) throw new Error(`cpio: ${stderr}`);
  return archive;
}

/** The modules, those that they depend on before them; returns the order to load them in. */
function copyModules(kernel, into) {
  const files = new Map();
  for (const path of readdirSync(kernel, { recursive: true })) {
    const [, name] = /^(.*)\.ko(\.xz|\.zst)?$/.exec(basename(path)) ?? [];
    if (name !== undefined) files.set(name.replaceAll('-', '_'), join(kernel, path));
  }
  const order = [];
  const copy = (name) => {
    const path = files.get(name);
    if (path === undefined || order.includes(name)) return;
    const module = path.endsWith('.xz') ? call('xz', ['-dc', path]) : path.endsWith('.zst') ? call('zstd', ['-qdc', path]) : readFileSync(path);
    const [, needed = ''] = /\0depends=([^\0]*)\0/.exec(module.toString('latin1')) ?? [];
    for (const other of needed.split(',')) copy(other.replaceAll('-', '_'));
    writeFileSync(join(into, `${name}.ko`), module);
    order.push(name);
  };
  for (const name of WANTED) copy(name);
  return order;
}

function call(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`);
  return stdout;
}
