// A comparison as continuous integration takes it: annotations of GitHub, and SARIF 2.1.0 for code scanning.
import { breaks, type Change } from '../../core/call/contract.ts'
import { onOneLine } from '../../core/text/terminal.ts'
import { screeningRule } from '../../gateway/contracts/index.ts'
import { packageVersion } from '../package-root.ts'
import type { Comparison, ToolReport } from './compare.ts'
import { isText, toolLabel } from './told.ts'

/** Where the tools stand that were agreed on. */
export interface Place {
  /** As seen from the folder in which the check runs. */
  readonly file: string
  line(server: string, tool: string): number
}

interface Finding {
  readonly level: 'error' | 'warning' | 'note'
  readonly rule: string
  readonly text: string
  readonly report: ToolReport
  readonly pointer: string
}

function findings({ tools }: Comparison): readonly Finding[] {
  return tools.flatMap((report) => [
    ...report.changes.map((change) => ({
      level: levelOf(change),
      rule: change.kind,
      text: onOneLine(`${toolLabel(report)}: ${change.human}`),
      report,
      pointer: change.pointer,
    })),
    ...report.held.map(({ rule, sentence, pointer }) => ({
      level: 'error' as const,
      rule: `${screeningRule}${rule}`,
      text: onOneLine(`${toolLabel(report)}: ${sentence}`),
      report,
      pointer,
    })),
  ])
}

function levelOf(change: Change): Finding['level'] {
  if (breaks(change.verdict)) return 'error'
  return change.verdict === 'behavioural' && !isText(change) ? 'warning' : 'note'
}

/** `::error file=tools.lock.json,line=88,title=property.renamed::…`, a line each. */
export function githubAnnotations(comparison: Comparison, place: Place | undefined): string {
  const lines = findings(comparison).map(({ level, rule, text, report }) => {
    const at = place === undefined ? '' : `file=${property(place.file)},line=${place.line(report.server, report.name)},`
    return `::${level === 'note' ? 'notice' : level} ${at}title=${property(rule)}::${message(text)}\n`
  })
  for (const { server, reason } of comparison.unreachable) {
    lines.push(`::error title=${property('server.unreachable')}::${message(`${server}: ${onOneLine(reason)}`)}\n`)
  }
  return lines.join('')
}

function message(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return message(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

export function sarif(comparison: Comparison, place: Place | undefined): string {
  const all = findings(comparison)
  const rules = [...new Set(all.map(({ rule }) => rule))].sort()
  const results = all.map(({ level, rule, text, report, pointer }) => ({
    ruleId: rule,
    ruleIndex: rules.indexOf(rule),
    level,
    message: { text },
    ...(place === undefined
      ? {}
      : {
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: encodeURI(place.file) },
                region: { startLine: place.line(report.server, report.name) },
              },
              logicalLocations: [{ fullyQualifiedName: `${toolLabel(report)}${pointer}` }],
            },
          ],
        }),
    partialFingerprints: { 'signalbox/v1': `${toolLabel(report)} ${rule} ${pointer}` },
    properties: { verdict: report.verdict },
  }))
  const driver = {
    name: 'signalbox',
    version: packageVersion(),
    rules: rules.map((id) => ({ id, shortDescription: { text: `${id}: a change of a tool's contract` } })),
  }
  const unreachable = comparison.unreachable.map(({ server, reason }) => ({
    level: 'error',
    message: { text: `${server}: ${onOneLine(reason)}` },
  }))
  const invocation = { executionSuccessful: unreachable.length === 0, toolExecutionNotifications: unreachable }
  const run = { tool: { driver }, invocations: [invocation], results }
  const whole = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] }
  return `${JSON.stringify(whole, null, 2)}\n`
}
