// npm start. This file only looks at the machine, so that any Node version can read it and say what is wrong.
const NEEDED = { major: 20, minor: 19 };
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

function problem() {
  if (major < NEEDED.major || (major === NEEDED.major && minor < NEEDED.minor)) {
    return `Reelay needs Node ${NEEDED.major}.${NEEDED.minor} or newer; this is Node ${process.versions.node}. Install a newer one and run npm start again.`;
  }
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    return `npm start runs on Linux with an x64 or arm64 processor; this is ${process.platform} ${process.arch}. Use docker compose up here.`;
  }
  return null;
}

const said = problem();
if (said === null) {
  const { start } = await import('./main.mjs');
  await start();
} else {
  console.error(said);
  process.exitCode = 1;
}
