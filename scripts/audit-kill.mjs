// `npm run audit-kill`: gateways that are killed under load, AUDIT_KILLS times (50) in each mode of the audit, and what it has of the calls that
// were answered (test/audit/kills.test.ts).
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = new URL('..', import.meta.url).pathname
const run = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/audit/kills.test.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, AUDIT_KILLS: process.env.AUDIT_KILLS ?? '50' },
})
process.exit(run.status ?? 1)
