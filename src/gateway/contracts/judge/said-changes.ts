// Changes of what a definition says beside its schemas: hints, texts, mirrored headers, its name.
import type { Change, ChangeKind, Verdict } from '../../../core/call/contract.ts'
import { type EffectiveHints, effectiveHints, type Said, taskSupport } from './annotations.ts'
import type { ReadContract } from './digests.ts'
import { equal } from './stable.ts'
import { short } from './wording.ts'

/** Of each hint the value that lets a caller worry less. */
const safer: EffectiveHints = { readOnly: true, destructive: false, idempotent: true, openWorld: false }

/** More are not told one by one. */
const most = 100

export function saidChanges(old: ReadContract, now: ReadContract): Change[] {
  return [...nameChange(old, now), ...headerChanges(old, now), ...hintChanges(old, now), ...proseChanges(old, now)]
}

function nameChange(old: ReadContract, now: ReadContract): Change[] {
  if (old.name === now.name) return []
  const human = `the tool is called ${now.name} now, it was ${old.name}`
  return [{ kind: 'name.changed', side: 'input', pointer: '', verdict: 'breaking', human, from: old.name, to: now.name }]
}

function headerChanges(old: ReadContract, now: ReadContract): Change[] {
  if (equal(old.headers, now.headers)) return []
  const change = (pointer: string, verdict: Verdict, human: string): Change => ({
    kind: 'header.changed',
    side: 'input',
    pointer,
    verdict,
    human,
  })
  if (typeof old.headers === 'string' || typeof now.headers === 'string') {
    return [change('', typeof now.headers === 'string' ? 'breaking' : 'additive', 'how arguments are mirrored in headers was changed')]
  }
  const found: Change[] = []
  for (const pointer of new Set([...Object.keys(old.headers), ...Object.keys(now.headers)])) {
    const [before, after] = [old.headers[pointer], now.headers[pointer]]
    if (before === after) continue
    if (after === undefined) found.push(change(pointer, 'additive', `${pointer} is not mirrored in the header ${before} any more`))
    else found.push(change(pointer, 'breaking', `${pointer} is mirrored in the header ${after} now`))
  }
  return found
}

function hintChanges(old: ReadContract, now: ReadContract): Change[] {
  const found: Change[] = []
  const [before, after] = [effectiveHints(old.source), effectiveHints(now.source)]
  for (const hint of ['readOnly', 'destructive', 'idempotent', 'openWorld'] as const) {
    if (before[hint] === after[hint]) continue
    const kind = after[hint] === safer[hint] ? 'hint.claims-safer' : 'hint.claims-riskier'
    const human = `${hint} is ${after[hint]} now, it was ${before[hint]}`
    found.push({ kind, side: 'hints', pointer: `/annotations/${hint}Hint`, verdict: 'behavioural', human })
  }
  const [was, is] = [taskSupport(old.source), taskSupport(now.source)]
  if (was !== is) {
    // Who calls it in the way that is forbidden now is refused.
    const refuses = is === 'required' || (is === 'forbidden' && was !== 'forbidden')
    const human = `taskSupport is ${is} now, it was ${was}`
    const kind: ChangeKind = is === 'required' ? 'task.required' : 'task.changed'
    found.push({ kind, side: 'hints', pointer: '/execution/taskSupport', verdict: refuses ? 'breaking' : 'behavioural', human })
  }
  for (const { pointer, from, to } of differing(old.hints, now.hints)) {
    const keyword = pointer.slice(pointer.lastIndexOf('/') + 1)
    const turn = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed'
    const kind: ChangeKind = keyword === 'default' ? `default.${turn}` : 'hint.changed'
    found.push({ kind, side: 'hints', pointer, verdict: 'behavioural', human: `${pointer} was ${turn}`, ...values(from, to) })
  }
  return found
}

function proseChanges(old: ReadContract, now: ReadContract): Change[] {
  return differing(old.prose, now.prose).map(({ pointer, from, to }) => {
    const keyword = pointer.slice(pointer.lastIndexOf('/') + 1)
    const kind: ChangeKind = keyword === 'description' || keyword === 'title' ? `${keyword}.changed` : 'prose.changed'
    const turn = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed'
    return { kind, side: 'prose', pointer, verdict: 'behavioural', human: `${pointer} was ${turn}`, ...values(from, to) }
  })
}

function differing(old: Said, now: Said): { readonly pointer: string; readonly from: unknown; readonly to: unknown }[] {
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((pointer) => !equal(old.get(pointer), now.get(pointer)))
    .slice(0, most)
    .map((pointer) => ({ pointer, from: old.get(pointer), to: now.get(pointer) }))
}

/** Texts in full: who screens them looks at every sentence. */
function values(from: unknown, to: unknown): { from?: string; to?: string } {
  const text = (value: unknown): string => (typeof value === 'string' ? value : short(value))
  return { ...(from === undefined ? {} : { from: text(from) }), ...(to === undefined ? {} : { to: text(to) }) }
}
