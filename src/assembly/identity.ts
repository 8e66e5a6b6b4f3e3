// Who this gateway is on the wire, and which replica.
import { readFileSync } from 'node:fs'
import type { Implementation } from '../core/protocol/names.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

export const identity: Implementation = { name: 'signalbox', version, title: 'Signalbox' }
