// What is found of one result: filled while it is taken in, and given as a verdict. One of nothing costs nothing.
import { dayMs } from '../../../core/text/duration.ts'
import type { Alert, Reason, Verdict } from '../looked.ts'
import { clockTime } from './words.ts'

const nothing: Verdict = Object.freeze({ reasons: Object.freeze([]), alerts: Object.freeze([]) })
const noReasons: readonly Reason[] = nothing.reasons
const noAlerts: readonly Alert[] = nothing.alerts
/** A deploy is named in alerts of what began so long after it at most. */
export const deployWithinMs = dayMs

export class Findings {
  private reasons: Reason[] | undefined
  private alerts: Alert[] | undefined
  private deploy = ''
  private deployedMs = 0
  nowMs = 0

  begin(nowMs: number, deploy: string, deployedMs: number): void {
    this.nowMs = nowMs
    this.deploy = deploy
    this.deployedMs = deployedMs
  }

  note(reason: Reason): void {
    this.reasons ??= []
    this.reasons.push(reason)
  }

  tell(what: Alert['what'], kind: Alert['kind'], text: string, results: number, affected: number, sinceMs: number, isInfo: boolean): void {
    const { deploy, deployedMs } = this
    const isNear = deploy !== '' && deployedMs <= this.nowMs && deployedMs >= sinceMs - deployWithinMs
    const named = isNear ? `${text}; ${deploy} at ${clockTime(deployedMs, this.nowMs)}` : text
    this.alerts ??= []
    const alert = { what, kind, text: named, results, affected, sinceMs }
    this.alerts.push(isInfo ? { ...alert, severity: 'info' } : alert)
  }

  verdict(): Verdict {
    if (this.reasons === undefined && this.alerts === undefined) return nothing
    const verdict = { reasons: this.reasons ?? noReasons, alerts: this.alerts ?? noAlerts }
    this.reasons = undefined
    this.alerts = undefined
    return verdict
  }
}
