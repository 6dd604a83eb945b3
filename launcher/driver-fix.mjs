// postgres.js 3.4.9 sends small writes from a setImmediate. A connection that closes before it fires
//   - makes it write to a null socket: an exception that nobody can catch ends the process;
//   - keeps the cancelled timer and the unsent bytes: the connection never flushes again and its queries hang for ever.
// Seen here whenever Postgres ends connections under load (upstream issues 1066, 1154, 1208). Until a release has a fix, the
// three places are changed where the file is read: by the build, and by the tests. A fourth: each new connection works out its
// password's hash for 2–13 ms while everybody waits (measured), and a burst opens a dozen; now another thread does it.

/** @type {[before: string, after: string][]} */
const FIXES = [
  [
    `  function nextWrite(fn) {
    const x = socket.write(chunk, fn)`,
    `  function nextWrite(fn) {
    if (socket === null) {
      clearImmediate(nextWriteTimer)
      chunk = nextWriteTimer = null
      error(Errors.connection('CONNECTION_CLOSED', options, socket))
      return false
    }
    const x = socket.write(chunk, fn)`,
  ],
  [
    `    clearImmediate(nextWriteTimer)
    if (socket) {`,
    `    clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = null
    if (socket) {`,
  ],
  [
    `    clearImmediate(nextWriteTimer)
    socket.removeListener('data', data)`,
    `    clearImmediate(nextWriteTimer)
    chunk = nextWriteTimer = null
    socket.removeListener('data', data)`,
  ],
  [
    `    const saltedPassword = await crypto.pbkdf2Sync(
      await Pass(),
      Buffer.from(res.s, 'base64'),
      parseInt(res.i), 32,
      'sha256'
    )
`,
    `    const asked = socket
    const pass = await Pass()
    const saltedPassword = await new Promise((resolve, reject) => crypto.pbkdf2(
      pass, Buffer.from(res.s, 'base64'), parseInt(res.i), 32, 'sha256', (error, key) => error ? reject(error) : resolve(key)
    ))
    if (socket !== asked) return
`,
  ],
];

/** The driver's module that the fix is for. */
export const DRIVER_FILE = /[\\/]node_modules[\\/]postgres[\\/]src[\\/]connection\.js$/;

/**
 * @param {string} source
 * @returns {string}
 * @throws {Error} when the driver is another version than the fix was made for
 */
export function fixDriver(source) {
  let fixed = source;
  for (const [before, after] of FIXES) {
    if (fixed.split(before).length !== 2) throw new Error('The postgres driver changed: launcher/driver-fix.mjs does not fit it any more.');
    fixed = fixed.replace(before, () => after);
  }
  return fixed;
}
