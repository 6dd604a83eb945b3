// pm2 start deploy/pm2/ecosystem.config.cjs        (from the clone, after npm run build)
//
// One process each: the gateway keeps state of its viewers, so it is started twice under two names on two ports rather
// than in cluster mode. Settings come from the environment of pm2 or the JSON file that REELAY_CONFIG names.
const common = {
  cwd: require('node:path').resolve(__dirname, '../..'),
  exec_mode: 'fork',
  instances: 1,
  // Longer than SHUTDOWN_TIMEOUT: PM2 sends INT, then KILL.
  kill_timeout: 15_000,
  // The service ends its own children, in order.
  treekill: false,
  // A service says { ready: true } over the channel; PM2 takes that for process.send('ready') only with wait_ready off.
  wait_ready: false,
  // Codes that a restart cannot mend: already running, replaced by another agent, invalid configuration.
  stop_exit_codes: [75, 76, 78],
  exp_backoff_restart_delay: 200,
  max_restarts: 20,
  env: { NODE_ENV: 'production', SHUTDOWN_TIMEOUT: '10' },
};

module.exports = {
  apps: [
    { ...common, name: 'reelay-gateway', script: 'dist/gateway.js', max_memory_restart: '2G' },
    { ...common, name: 'reelay-scheduler', script: 'dist/scheduler.js', max_memory_restart: '1G' },
    // The agent's own memory; its jobs are processes of their own.
    { ...common, name: 'reelay-agent', script: 'dist/node-agent.js', max_memory_restart: '1G' },
  ],
};
