// What `initialize` says of us: the revision we ask for and what we can be asked; less of it to servers that refuse it, down to what the
// oldest revision had.
import type { ClientCapabilities } from '../../core/call/call.ts'
import { code, type LegacyRevision, legacyRevisions } from '../../core/protocol/names.ts'
import { dataOf, supportedIn } from '../messages/errors.ts'
import type { IncomingError } from '../wire/wire.ts'

/**
 * `oldest`: what MCP 2024-11-05 has. `plain`: the capabilities of all revisions without members, which each revision reads as its own
 * least. `full`: the members of 2025-11-25, for which servers that refuse unknown fields refuse all.
 */
export type Form = 'oldest' | 'plain' | 'full'

export interface Declaration {
  readonly revision: LegacyRevision
  readonly form: Form
}

export const firstDeclaration: Declaration = { revision: legacyRevisions[0], form: 'plain' }
const oldest: LegacyRevision = '2024-11-05'

const declared = {
  oldest: { sampling: {}, roots: { listChanged: true } },
  plain: { elicitation: {}, sampling: {}, roots: { listChanged: true } },
  full: { elicitation: { form: {}, url: {} }, sampling: { tools: {}, context: {} }, roots: { listChanged: true } },
} as const satisfies Record<Form, ClientCapabilities>

export function capabilitiesOf({ form }: Declaration): ClientCapabilities {
  return declared[form]
}

/** Whether servers of this revision know the full form. */
export function knowsFull(revision: string): boolean {
  return revision >= '2025-11-25'
}

/** Whether a caller can be asked what only the full form declares. */
export function needsFull({ elicitation, sampling }: ClientCapabilities): boolean {
  return elicitation?.url !== undefined || sampling?.tools !== undefined || sampling?.context !== undefined
}

/** A server's no to `initialize`: the HTTP status where there is one, and the error where the answer held one. */
export interface Refusal {
  readonly status: number | undefined
  readonly error: Pick<IncomingError, 'code' | 'message' | 'error'> | undefined
  /** The revision of a result that is none of those known here. */
  readonly answered?: string | undefined
}

/** What is declared after a refusal; undefined where nothing else could be taken. `tried`: all that was declared before, in order. */
export function nextDeclaration(tried: readonly Declaration[], refusal: Refusal): Declaration | undefined {
  const last = tried.at(-1) ?? firstDeclaration
  const isNew = (revision: LegacyRevision): boolean => !tried.some((one) => one.revision === revision)
  const { listed, isWhole } = revisionsIn(refusal)
  const offered = legacyRevisions.find((revision) => listed.includes(revision) && isNew(revision))
  if (offered !== undefined) return of(offered)
  // It names what it takes, and nothing of that is left.
  if (isWhole) return undefined
  if (listed.length > 0 || speaksOfRevision(refusal)) {
    const older = legacyRevisions.find((revision) => revision < last.revision && isNew(revision))
    return older === undefined ? undefined : of(older)
  }
  if (!mayBeOfForm(refusal)) return undefined
  if (last.form === 'full') return { ...last, form: 'plain' }
  return isNew(oldest) ? of(oldest) : undefined
}

/** Members that a revision does not have are left out: elicitation came with 2025-06-18. */
function of(revision: LegacyRevision): Declaration {
  return { revision, form: revision >= '2025-06-18' ? 'plain' : 'oldest' }
}

const revisionText = /\b20\d\d-\d\d-\d\d\b/g

/** Revisions that the refusal names: `data.supported` (MCP, lifecycle), which is the whole list, or those in its words, which need not be. */
function revisionsIn({ error }: Refusal): { readonly listed: readonly string[]; readonly isWhole: boolean } {
  const supported = error === undefined ? undefined : supportedIn(error)
  if (supported !== undefined) return { listed: supported, isWhole: true }
  const data = error === undefined ? undefined : dataOf(error)
  const words = `${error?.message ?? ''} ${data === undefined ? '' : JSON.stringify(data)}`
  return { listed: [...words.matchAll(revisionText)].map(([found]) => found), isWhole: false }
}

function speaksOfRevision({ error, answered }: Refusal): boolean {
  if (answered !== undefined || error?.code === code.unsupportedProtocolVersion) return true
  return error !== undefined && /protocol.?version|version.*(not|un)\s?support|unsupported.*version|revision/i.test(error.message)
}

/** Whether the server may have refused what the message says, and not that it came. */
function mayBeOfForm({ status, error }: Refusal): boolean {
  if (status === 401 || status === 403 || status === 404 || status === 405) return false
  return error === undefined ? status === 400 || status === 422 || status === 500 : error.code !== code.methodNotFound
}
