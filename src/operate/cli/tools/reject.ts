// `signalbox tools reject`: keeps out, at a running gateway, exactly the change that was seen; a tool without a change is taken out.
import type { ExitCode } from '../exit.ts'
import { decideAtGateway, seenTool, told } from './deciding.ts'
import { interruptible } from './run.ts'

export interface RejectOptions {
  readonly expect: readonly string[]
  readonly reason: string
  readonly url: string
  readonly json?: boolean
}

export function toolsReject(name: string, options: RejectOptions, endNow: (code: ExitCode) => void): Promise<ExitCode> {
  return interruptible(endNow, async () => {
    const { expect, reason, url, json } = options
    const { server, tool } = seenTool(name, expect)
    const answer = await decideAtGateway(url, { server, tool }, 'reject', { expect, reason })
    if ('code' in answer) return answer.code
    const { body } = answer
    const text = body.shown === true ? `The change of ${server}.${tool} stays out.` : `${server}.${tool} is taken out.`
    return told(text, body, json)
  })
}
