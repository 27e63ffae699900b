// A tool that an Electron app runs, and that never outlives it: started from the main process with all that it may start
// itself, shown in a window, and ended as a whole when the window is closed.
//
//   npm install && npm start
//
// procward belongs into the main process (or a utility process): a sandboxed renderer loads no addons. `asarUnpack` in
// package.json keeps the addon out of the archive, since the system can only load it from a file of its own.

import { app, BrowserWindow } from 'electron';
import { Cgroup, features, isSupported, spawn } from 'procward';

const SCRIPT = 'sleep 1000 & echo "started $$ and $!"; wait';

await app.whenReady();
const window = new BrowserWindow({ width: 640, height: 240 });
const show = (text) => window.loadURL(`data:text/plain;charset=utf-8,${encodeURIComponent(text)}`);

if (!isSupported) {
  show(`Nothing to show on ${process.platform}`);
} else {
  // Without a group of its own (no permission, see `npx procward doctor`) the tool still is held by handle, but what it
  // started is not.
  const group = features().cgroup_v2_write.status === 'yes' ? Cgroup.create(`/electron-${process.pid}`) : undefined;
  const tool = await spawn('sh', ['-c', SCRIPT], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Should this process be killed, so is the tool.
    parentDeathSignal: 'SIGKILL',
    ...(group === undefined ? {} : { cgroup: group }),
  });
  tool.stdout.once('data', (line) => show(`${line}Close the window: ${group ? 'both end' : 'the first ends'}.`));

  let isDone = false;
  app.on('will-quit', async (event) => {
    if (isDone) return;
    event.preventDefault();
    if (group === undefined) {
      if (tool.alive) tool.signal('SIGKILL');
    } else {
      await group.kill();
      await group.remove();
    }
    console.log(await tool.wait());
    isDone = true;
    app.quit();
  });
}

app.on('window-all-closed', () => app.quit());
