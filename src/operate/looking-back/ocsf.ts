// Rows of the audit as events of the Open Cybersecurity Schema Framework, class API Activity (6003), for tools that take in security logs:
// https://schema.ocsf.io/1.5.0/classes/api_activity. What the class has no place for is under `unmapped`.
import type { AuditRow } from '../../observe/index.ts'

export const ocsfVersion = '1.5.0'
const classUid = 6_003
const categoryUid = 6

const activities = { read: 2, other: 99 } as const
const success = 1
const failure = 2
const informational = 1
const medium = 3

export function ocsfEvent(row: AuditRow, productVersion: string): Readonly<Record<string, unknown>> {
  const reads = row.readOnly === true
  const activity = reads ? activities.read : activities.other
  const failed = row.fault !== null || row.outcome === 'tool_error' || row.decision === 'denied'
  return {
    activity_id: activity,
    activity_name: reads ? 'Read' : (row.method ?? row.about),
    category_uid: categoryUid,
    category_name: 'Application Activity',
    class_uid: classUid,
    class_name: 'API Activity',
    type_uid: classUid * 100 + activity,
    severity_id: row.decision === 'denied' || row.suspect !== null ? medium : informational,
    time: row.at,
    duration: row.ms === null ? undefined : Math.round(row.ms),
    status_id: failed ? failure : success,
    status_code: row.fault?.kind,
    status_detail: row.fault?.message ?? row.reason ?? undefined,
    actor: actorOf(row),
    src_endpoint: { svc_name: row.client ?? row.transport ?? 'signalbox' },
    api: {
      operation: row.method ?? row.about,
      service: row.upstream === null ? undefined : { name: row.upstream },
      request: row.id === '' ? undefined : { uid: row.id },
      response: row.fault === null ? undefined : { error: row.fault.kind, error_message: row.fault.message },
    },
    resources: row.item === null ? undefined : [{ name: row.item, type: row.itemKind ?? undefined, uid: `${row.upstream}/${row.item}` }],
    metadata: {
      version: ocsfVersion,
      product: { name: 'Signalbox', vendor_name: 'Signalbox', version: productVersion },
      log_name: 'audit',
      uid: `${row.chain}:${row.seq}`,
      sequence: row.seq,
      correlation_uid: row.run ?? undefined,
      tenant_uid: row.tenant ?? undefined,
    },
    unmapped: {
      ...{ about: row.about, decision: row.decision, rule: row.rule, lease: row.lease, prev: row.prev, hash: row.hash },
      ...{ turn: row.turn, team: row.team, why: row.why, trace: row.trace, termination: row.termination, outcome: row.outcome },
      ...{ side_effect: row.fault?.sideEffect, category: row.fault?.category, arguments: row.arguments, result: row.result },
      ...{ usage: row.usage, attempts: row.attempts, found: row.found, suspect: row.suspect, masked: row.masked },
      ...{ tool_version: row.version, contract: row.contract },
    },
  }
}

/** One of its members has to be there. */
function actorOf({ subject, issuer, credential, clientId, client }: AuditRow): Readonly<Record<string, unknown>> {
  const user = subject === null ? undefined : { uid: subject, domain: issuer ?? undefined, credential_uid: credential || undefined }
  return { user, app_uid: clientId ?? undefined, app_name: client ?? (user === undefined && clientId === null ? 'unknown' : undefined) }
}
