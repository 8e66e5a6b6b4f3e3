// How consents of people to clients look, and what is noted where an operator takes them back.

import type { ListedConsent } from '../../authorization-server/index.ts'
import { anonymous } from '../../core/call/principal.ts'
import { forTerminal } from '../../core/text/terminal.ts'
import type { Granting } from '../granting.ts'
import { table } from '../text.ts'

export function shownConsent({ subject, name, clientId, givenMs, scopes, ...rest }: ListedConsent): Record<string, unknown> {
  return { client: clientId, principal: { sub: subject, name }, ...rest, scopes, given: new Date(givenMs).toISOString() }
}

export function consentsTable(consents: readonly ListedConsent[]): string {
  const rows = consents.map(({ clientId, subject, name, redirectHost, resource, scopes, givenMs }) => [
    clientId,
    name === '' ? subject : `${name} (${subject})`,
    redirectHost,
    resource,
    scopes,
    new Date(givenMs).toISOString(),
  ])
  return table([['client', 'person', 'answers go to', 'for', 'scopes', 'allowed'], ...rows].map((row) => row.map(forTerminal)))
}

export function noteTakenBack({ decisions }: Granting, consents: readonly ListedConsent[], nowMs: number): void {
  for (const { subject, clientId, scopes } of consents) {
    decisions.note({
      id: '',
      atMs: nowMs,
      about: 'consent',
      allowed: false,
      principal: { ...anonymous, iss: 'signalbox', sub: subject, clientId, kind: 'user', scopes: scopes.split(' '), method: 'oauth' },
      method: undefined,
      upstream: undefined,
      item: undefined,
      rule: 'operator',
      credential: '',
      reason: 'an operator took it back',
    })
  }
}
