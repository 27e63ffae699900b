// What takes more than half a second says what it is doing: on standard error, if that is a terminal.

const SILENT_MS = 500;
const STEP_MS = 250;

/** Waits for something, and tells what for. The line is gone when it is done. */
export async function withProgress<T>(what: string, work: Promise<T>): Promise<T> {
  const { stderr } = process;
  if (!stderr.isTTY) return work;
  const started = performance.now();
  let isShown = false;
  const show = () => {
    const seconds = (performance.now() - started) / 1000;
    if (seconds * 1000 < SILENT_MS) return;
    isShown = true;
    stderr.write(`\r\x1b[K${what} … ${seconds.toFixed(1)} s`);
  };
  const timer = setInterval(show, STEP_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (isShown) stderr.write('\r\x1b[K');
  }
}
