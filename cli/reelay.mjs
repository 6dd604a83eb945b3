#!/usr/bin/env node
console.error('reelay: not built');
process.exitCode = 1;
