// `signalbox tools approve`: lets in exactly the contract that was seen, at a running gateway or in the lock file.
import { isObject } from '../../../core/protocol/is-object.ts'
import { lockedTool, withTool } from '../../../gateway/contracts/index.ts'
import { writeLock } from '../../contracts/lock-store.ts'
import type { ExitCode } from '../exit.ts'
import { type ApproveOptions, decideAtGateway, lockedAndLive, mismatch, notDone, parts, seenTool, told, type Whose } from './deciding.ts'
import { toolsExit } from './exit.ts'
import { whoRuns } from './lock.ts'
import { interruptible } from './run.ts'
import { translated, translateInLock, translationIn, type WantedTranslation } from './translate.ts'

export function toolsApprove(name: string, options: ApproveOptions, endNow: (code: ExitCode) => void): Promise<ExitCode> {
  return interruptible(endNow, async (signal) => {
    const whose = seenTool(name, options.expect)
    const translation = translationIn(options)
    if (options.lock === undefined) return atGateway(whose, options, translation)
    return translation === undefined ? inLock(whose, options, signal) : translateInLock(whose, options, translation, signal)
  })
}

async function atGateway(
  whose: Whose,
  { url, expect, reason, json }: ApproveOptions,
  translation: WantedTranslation | undefined,
): Promise<ExitCode> {
  const answer = await decideAtGateway(url, whose, 'approve', {
    expect,
    ...(reason === undefined ? {} : { reason }),
    ...(translation === undefined ? {} : { adapter: translation.adapter, override: translation.override }),
  })
  if ('code' in answer) return answer.code
  const { body } = answer
  const name = `${whose.server}.${whose.tool}`
  if (translation === undefined) return told(`${name} is ${String(body.state)}.`, body, json)
  const found = isObject(body.change) && isObject(body.change.translation) ? body.change.translation : {}
  return told(translated(name, String(found.does ?? ''), found.proved === false), body, json)
}

async function inLock({ server, tool }: Whose, options: ApproveOptions, signal: AbortSignal): Promise<ExitCode> {
  const { stored, old, definition, live } = await lockedAndLive({ server, tool }, options, signal)
  const problem = mismatch(old, live, options.expect, parts)
  if (problem !== undefined) return notDone(problem, toolsExit.notSeen)
  const by = options.by ?? whoRuns()
  const fresh = lockedTool(definition, live, { status: 'approved', by, reason: options.reason ?? null })
  const kept = old === undefined ? {} : { deprecated: old.deprecated, unknown: old.unknown }
  if (signal.aborted) return toolsExit.interrupted
  writeLock(stored.path, withTool(stored.lock, server, tool, { ...fresh, ...kept }))
  return told(`${server}.${tool} is approved in ${stored.label}.`, { server, tool, state: 'approved', approved: live, by }, options.json)
}
