// What of the plans for versions of tools may not be meant so: an end that comes soon after it was said, and one of a version that
// configuration itself pins callers to.
import { configuredPins } from '../assembly/configured-pins.ts'
import type { Settings } from '../assembly/settings.ts'
import { type Deprecation, dateText, noticeDays } from '../core/call/deprecation.ts'
import { readSelector } from '../core/call/selector.ts'
import { meansFamily } from '../core/call/tool-version.ts'
import { dayMs } from '../core/text/duration.ts'
import type { Lack } from './lack.ts'

interface Plan {
  readonly selector: string
  readonly number: number | undefined
  readonly key: string
  readonly plan: Deprecation
}

export function versionDoubts(settings: Settings): Lack[] {
  const plans = plansOf(settings)
  const soon = plans.flatMap(({ key, plan: { fromMs, sunsetMs } }) => {
    const days = sunsetMs === undefined ? noticeDays : Math.floor((sunsetMs - fromMs) / dayMs)
    return days >= noticeDays
      ? []
      : [
          doubt(
            `${key}.sunset`,
            `comes ${days} days after \`from\``,
            `leave callers ${noticeDays} days, unless none is left that has to move`,
          ),
        ]
  })
  const pinned = configuredPins(settings).flatMap(({ key, family, version }) =>
    plans
      .filter(({ selector, number, plan }) => number === version && plan.sunsetMs !== undefined && isMeant(family, selector))
      .map(({ plan, key: planned }) =>
        doubt(key, `pins version ${version}, which ${planned} removes on ${dateText(plan.sunsetMs ?? 0)}`, 'move the pin before that day'),
      ),
  )
  return [...soon, ...pinned]
}

function plansOf({ tools }: Settings): Plan[] {
  return Object.entries(tools).flatMap(([selector, { deprecated, versions }]) => [
    ...(deprecated === undefined ? [] : [{ selector, number: undefined, key: `tools.${selector}.deprecated`, plan: deprecated }]),
    ...[...(versions?.deprecated ?? [])].map(([number, plan]) => ({
      selector,
      number,
      key: `tools.${selector}.versions.deprecated.${number}`,
      plan,
    })),
  ])
}

function isMeant(pin: string, selector: string): boolean {
  const { server, name, open } = readSelector(selector)
  return pin === selector || (server !== undefined && name !== undefined && !open && meansFamily(pin, server, name))
}

function doubt(key: string, what: string, mend: string): Lack {
  return { server: '', key, what, mend, severity: 'doubt' }
}
