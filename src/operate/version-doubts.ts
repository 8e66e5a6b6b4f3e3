// What of the plans for versions of tools may not be meant so: an end that comes soon after it was said, and one of a version that
// configuration itself pins callers to.
import type { Settings } from '../assembly/settings.ts'
import { type Deprecation, dateText, noticeDays } from '../core/call/deprecation.ts'
import type { Lack } from './lack.ts'

const dayMs = 86_400_000

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
  const pinned = pinsOf(settings).flatMap(({ key, family, number }) =>
    plans
      .filter(({ selector, number: of, plan }) => of === number && plan.sunsetMs !== undefined && means(family, selector))
      .map(({ plan, key: planned }) =>
        doubt(key, `pins version ${number}, which ${planned} removes on ${dateText(plan.sunsetMs ?? 0)}`, 'move the pin before that day'),
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

function pinsOf({ access = [], toolsets }: Settings): { key: string; family: string; number: number }[] {
  const of = (key: string, versions: Readonly<Record<string, number>> = {}) =>
    Object.entries(versions).map(([family, number]) => ({ key: `${key}.versions.${family}`, family, number }))
  return [
    ...access.flatMap(({ versions }, at) => of(`access.${at}`, versions)),
    ...Object.entries(toolsets).flatMap(([name, { versions }]) => of(`toolsets.${name}`, versions)),
  ]
}

/** A pin may leave the server out. */
function means(family: string, selector: string): boolean {
  return selector === family || selector.endsWith(`/${family}`) || selector.replace('/', '__') === family
}

function doubt(key: string, what: string, mend: string): Lack {
  return { server: '', key, what, mend, severity: 'doubt' }
}
