import { expect, it } from 'vitest'
import { anAuditRow } from '../../../test/doubles/audit-row.ts'
import { ocsfEvent } from './ocsf.ts'

/** Those that the schema requires of the class and of each object that is in it, read from its repository at 1.9.0-dev; `a|b`: one of them. */
const required: Readonly<Record<string, readonly string[]>> = {
  '': ['activity_id', 'category_uid', 'class_uid', 'type_uid', 'severity_id', 'time', 'metadata', 'actor', 'api', 'src_endpoint'],
  metadata: ['product', 'version'],
  'metadata.product': ['name|uid'],
  actor: ['user|app_uid|app_name'],
  'actor.user': ['uid|name'],
  api: ['operation'],
  'api.request': ['uid'],
  'api.service': ['name|uid'],
  src_endpoint: ['ip|name|svc_name'],
}

type Json = Readonly<Record<string, unknown>>

function lacking(event: Json): string[] {
  return Object.entries(required).flatMap(([path, names]) => {
    const at = path === '' ? event : path.split('.').reduce<Json | undefined>((value, name) => value?.[name] as Json | undefined, event)
    if (at === undefined) return []
    return names.filter((name) => !name.split('|').some((one) => at[one] !== undefined)).map((name) => `${path}.${name}`)
  })
}

it.each([
  ['a read', { readOnly: true }, { activity_id: 2, type_uid: 600_302, status_id: 1, severity_id: 1 }],
  ['a call that may change something', { readOnly: false }, { activity_id: 99, activity_name: 'tools/call', type_uid: 600_399 }],
  [
    'a refusal',
    { decision: 'denied', fault: { kind: 'forbidden', category: 'authentication', sideEffect: 'none', message: 'no' } },
    { status_id: 2, status_code: 'forbidden', status_detail: 'no', severity_id: 3 },
  ],
  [
    'a row of the audit itself',
    { about: 'start', subject: null, clientId: null, client: null, id: '', method: null, upstream: null, item: null },
    { status_id: 1 },
  ],
] as const)('%s is an event of API Activity with all that the class requires', (_what, change, expected) => {
  const event = JSON.parse(JSON.stringify(ocsfEvent(anAuditRow(change as never), '1.2.3')))
  expect(event).toMatchObject({ class_uid: 6_003, category_uid: 6, metadata: { version: '1.5.0' }, ...expected })
  expect(lacking(event)).toEqual([])
})
