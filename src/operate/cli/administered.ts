// Options of the commands that ask the admin door of a running gateway.
import type { Command } from 'commander'
import { defaultAdminUrl } from '../client/default-urls.ts'

export function administered(command: Command): Command {
  return command
    .option('--url <url>', 'admin door of the gateway (`admin.listen`)', defaultAdminUrl)
    .option('--json', 'print it as one JSON object')
}
