// What `access` says that cannot be meant.
import type { Settings } from '../../assembly/settings.ts'
import { ConditionProblem, readCondition } from '../../gateway/access/index.ts'
import { error, type Finding, type Path } from '../../platform/config/index.ts'

/** `serverExists`: what is wrong with a selector of a server. */
export function accessFindings(settings: Settings, serverExists: (text: string, path: Path) => Finding[]): Finding[] {
  const rules = settings.access
  if (rules === undefined) {
    if (settings.profile !== 'production') return []
    const what = 'is missing, and without it every caller may use everything'
    return [error(['access'], what, "grant what is needed, rule by rule; `access: [{use: ['*']}]` grants everything to whoever is let in")]
  }
  const names = new Map<string, number>()
  return rules.flatMap((rule, at) => {
    const path = ['access', at]
    const findings = rule.use.flatMap((text, i) => (text === '*' ? [] : serverExists(text, [...path, 'use', i])))
    const name = rule.name ?? `access.${at}`
    const other = names.get(name)
    if (other !== undefined) findings.push(error([...path, 'name'], `is the name of access.${other} too`, 'give each rule its own'))
    names.set(name, at)
    if (rule.when !== undefined) {
      try {
        readCondition(rule.when)
      } catch (problem) {
        if (!(problem instanceof ConditionProblem)) throw problem
        findings.push(error([...path, 'when'], `is no condition: ${problem.message}`, 'write CEL on `principal`, `tool`, `args` and `now`'))
      }
    }
    return findings
  })
}
