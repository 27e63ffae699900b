// A guest: user-mode Linux, a kernel that is a program, or QEMU with KVM where that works and emulation where not. Both see
// this machine's whole tree, read-only.

import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, copyFileSync, existsSync, mkdirSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const MEMORY_MIB = 2048;
const LIBRARIES = 'usr/lib/x86_64-linux-gnu';
const LOADER = `${LIBRARIES}/ld-linux-x86-64.so.2`;

/** /dev/kvm of a host that is a PVM guest itself runs only kernels that know PVM; Debian's hang in it. */
export const accelerator = isUsable('/dev/kvm') && !existsSync('/sys/module/kvm_pvm') ? 'kvm' : 'tcg';

/**
 * Starts it, and resolves to the process whose standard output is the console. `onHelper` gets each other process that was
 * started for it; all lead groups of their own.
 */
export async function startMachine({ kind, kernel, tools, mode, initramfs, scratch, onHelper }) {
  const parameters = ['quiet', 'panic=-1', 'rdinit=/init', `procward.mode=${mode}`, `procward.checkout=${checkout}`];
  if (kind === 'uml') return startUml({ kernel, tools, initramfs, scratch, parameters });
  const socket = join(scratch, 'virtiofs');
  const share = ['--socket-path', socket, '--shared-dir', '/', '--readonly', '--sandbox', 'none', '--cache', 'always', '--no-announce-submounts', '--log-level', 'error'];
  onHelper(detached(borrowed(tools, 'usr/libexec/virtiofsd', share)));
  for (let attempt = 0; !existsSync(socket) && attempt < 500; attempt += 1) await sleep(10);
  return detached(borrowed(tools, 'usr/bin/qemu-system-x86_64', qemuArguments({ kernel, tools, initramfs, socket, parameters })));
}

function startUml({ kernel, tools, initramfs, scratch, parameters }) {
  const program = withLoaderOf(tools, join(kernel, 'usr/bin/linux.uml'), scratch);
  const disks = [`initrd=${initramfs}`, 'hostfs=/', 'procward.root=hostfs'];
  const console = ['con=null', 'con0=null,fd:1', 'con1=null'];
  const state = [`uml_dir=${scratch}`, 'umid=guest', `mem=${MEMORY_MIB}M`];
  // Its memory is a file in TMPDIR.
  const env = { PATH: process.env.PATH, TMPDIR: '/dev/shm', LD_LIBRARY_PATH: join(tools, LIBRARIES) };
  return detached({ command: program, args: [...state, ...disks, ...console, ...parameters], env, cwd: scratch });
}

function qemuArguments({ kernel, tools, initramfs, socket, parameters }) {
  const image = readdirSync(kernel, { recursive: true }).find((path) => /^vmlinu[xz](-.*)?$/.test(basename(path)));
  const processor = accelerator === 'kvm' ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg,thread=multi', '-cpu', 'max'];
  return [
    ...processor,
    ...['-L', join(tools, 'usr/share/qemu'), '-L', join(tools, 'usr/share/seabios')],
    ...['-smp', '2', '-m', `${MEMORY_MIB}`, '-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
    ...['-kernel', join(kernel, image), '-initrd', initramfs],
    // Without it Linux before 5.6 waits for entropy for ever.
    ...['-object', 'rng-random,filename=/dev/urandom,id=rng', '-device', 'virtio-rng-pci,rng=rng'],
    ...['-object', `memory-backend-memfd,id=memory,size=${MEMORY_MIB}M,share=on`, '-numa', 'node,memdev=memory'],
    ...['-chardev', `socket,id=host,path=${socket}`, '-device', 'vhost-user-fs-pci,chardev=host,tag=host'],
    // Emulated on a busy machine, timers are late, and the kernel takes them for broken.
    ...['-append', ['console=ttyS0', 'no_timer_check', 'procward.root=virtiofs', ...parameters].join(' ')],
  ];
}

/** A program of `tools` with the loader and the libraries that it was built for, whatever this machine has. */
function borrowed(tools, program, args) {
  const loading = ['--library-path', join(tools, LIBRARIES), '--argv0', program, join(tools, program)];
  const env = { PATH: process.env.PATH, QEMU_MODULE_DIR: join(tools, LIBRARIES, 'qemu') };
  return { command: join(tools, LOADER), args: [...loading, ...args], env };
}

/**
 * A copy that asks for the loader of `tools`. User-mode Linux executes itself again, so the loader cannot be named in front
 * of it; a name relative to its working directory fits into what is there.
 */
function withLoaderOf(tools, program, directory) {
  const copy = join(directory, 'linux');
  copyFileSync(program, copy);
  copyFileSync(join(tools, LOADER), join(directory, 'loader'));
  const file = openSync(copy, 'r+');
  const read = (length, position) => {
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, position);
    return bytes;
  };
  // The program headers of ELF for 64 bits; the one of type 3 says where the loader's name stands.
  const header = read(64, 0);
  for (let index = 0; index < header.readUInt16LE(56); index += 1) {
    const segment = read(56, Number(header.readBigUInt64LE(32)) + index * header.readUInt16LE(54));
    if (segment.readUInt32LE(0) === 3) writeSync(file, 'loader\0', Number(segment.readBigUInt64LE(8)));
  }
  closeSync(file);
  return copy;
}

function detached({ command, args, env, cwd }) {
  return spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
}

function isUsable(path) {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
