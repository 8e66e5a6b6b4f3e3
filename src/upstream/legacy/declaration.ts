// What `initialize` says of us: the revision we ask for and what we can be asked, which is what the one client can that a session is for;
// less of it to servers that refuse it, down to what the oldest revision had.
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

/** What can be asked on a connection, as bits: a number, since for some callers each call finds its connection by it. */
export type Askable = number

const bit = { roots: 1, sampling: 2, tools: 4, context: 8, form: 16, url: 32 } as const
/** What any client may be asked. */
const anything: Askable = bit.roots | bit.sampling | bit.tools | bit.context | bit.form | bit.url

/** What this client can be asked. */
export function askableOf({ roots, sampling, elicitation }: ClientCapabilities): Askable {
  let found = roots === undefined ? 0 : bit.roots
  if (sampling !== undefined) {
    found |= bit.sampling
    if (sampling.tools !== undefined) found |= bit.tools
    if (sampling.context !== undefined) found |= bit.context
  }
  if (elicitation !== undefined) {
    if (elicitation.url !== undefined) found |= bit.url
    // A bare `elicitation: {}` means forms.
    if (elicitation.form !== undefined || elicitation.url === undefined) found |= bit.form
  }
  return found
}

/** Whether nothing is left that a server could ask in vain: `sampling.context` asks for nothing by itself. */
export function isAnything(askable: Askable): boolean {
  return (askable | bit.context) === anything
}

/** `askable`: what the only client on the connection can be asked; all, where it serves clients of all kinds. */
export function capabilitiesOf({ form }: Declaration, askable: Askable = anything): ClientCapabilities {
  const has = (one: Askable): boolean => (askable & one) !== 0
  const member = (name: 'tools' | 'context' | 'form' | 'url'): ClientCapabilities =>
    form === 'full' && has(bit[name]) ? { [name]: {} } : {}
  // Without members it would be read as forms.
  const elicits = form === 'full' ? has(bit.form | bit.url) : form === 'plain' && has(bit.form)
  return {
    ...(elicits ? { elicitation: { ...member('form'), ...member('url') } } : {}),
    ...(has(bit.sampling) ? { sampling: { ...member('tools'), ...member('context') } } : {}),
    ...(has(bit.roots) ? { roots: { listChanged: true } } : {}),
  }
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
  /** What the body of a status holds that is no such error. */
  readonly words?: string | undefined
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

/** What is declared to a server that took `revision` in `initialize` and refuses it in what follows, where it says what it takes instead. */
export function insteadOf(revision: LegacyRevision, words: string): Declaration | undefined {
  const { listed } = revisionsIn({ status: undefined, error: undefined, words })
  const offered = legacyRevisions.find((one) => one < revision && listed.includes(one))
  return offered === undefined ? undefined : of(offered)
}

/** Members that a revision does not have are left out: elicitation came with 2025-06-18. */
function of(revision: LegacyRevision): Declaration {
  return { revision, form: revision >= '2025-06-18' ? 'plain' : 'oldest' }
}

const revisionText = /\b20\d\d-\d\d-\d\d\b/g

/** Revisions that the refusal names: `data.supported` (MCP, lifecycle), which is the whole list, or those in its words, which need not be. */
function revisionsIn({ error, words = '' }: Refusal): { readonly listed: readonly string[]; readonly isWhole: boolean } {
  const supported = error === undefined ? undefined : supportedIn(error)
  if (supported !== undefined) return { listed: supported, isWhole: true }
  const data = error === undefined ? undefined : dataOf(error)
  // A page may hold any date.
  const said = namesRevision(words) ? words : ''
  const text = `${error?.message ?? ''} ${data === undefined ? '' : JSON.stringify(data)} ${said}`
  return { listed: [...text.matchAll(revisionText)].map(([found]) => found), isWhole: false }
}

function speaksOfRevision({ error, words = '', answered }: Refusal): boolean {
  if (answered !== undefined || error?.code === code.unsupportedProtocolVersion) return true
  return namesRevision(error?.message ?? words)
}

function namesRevision(text: string): boolean {
  return /protocol.?version|version.*(not|un)\s?support|(un)?supported.*version|revision/i.test(text)
}

/** Whether the server may have refused what the message says, and not that it came. */
function mayBeOfForm({ status, error }: Refusal): boolean {
  if (status === 401 || status === 403 || status === 404 || status === 405) return false
  return error === undefined ? status === 400 || status === 422 || status === 500 : error.code !== code.methodNotFound
}
