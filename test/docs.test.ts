// What README and docs say is what the code does: links lead somewhere, examples are valid, pasted output is what is printed, every
// metric has its runbook entry and every field of the log its explanation.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { settingsSchema } from '../src/assembly/settings.ts'
import { catalogue } from '../src/core/faults/catalogue.ts'
import { howToConnect } from '../src/operate/cli/connect.ts'
import { commandLine } from '../src/operate/cli/program.ts'
import { callerFindings } from '../src/operate/configuration/caller-checks.ts'
import { checkSettings } from '../src/operate/configuration/checks.ts'
import { root } from './peers/servers.ts'
import { promise } from './promises/promise.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...(readdirSync(join(root, 'docs'), { recursive: true }) as string[])
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`),
]
const readme = read('README.md')
const blocks = (page: string, language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text]) => text ?? '')

test.each(pages)('the links of %s lead to files that are there', (page) => {
  const targets = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => target ?? '')
  expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([])
})

describe('README', () => {
  test('shows what the gateway prints', () => {
    expect(readme).toContain(howToConnect('http://127.0.0.1:4280/mcp'))
    const quickstart = parse(read('examples/quickstart.yaml'))
    for (const name of Object.keys(quickstart.servers))
      expect(readme).toMatch(new RegExp(`^ {2}${name} +stdio +20\\d\\d-\\d\\d-\\d\\d +ready +\\d+$`, 'm'))
  })

  test('its configuration is valid', () => {
    for (const text of blocks(readme, 'yaml')) {
      const settings = settingsSchema.parse(parse(text))
      expect(checkSettings(settings, () => false).filter((finding) => finding.severity === 'error')).toEqual([])
    }
    for (const text of blocks(readme, 'json')) expect(Object.keys(JSON.parse(text))).toEqual(['mcpServers'])
  })

  test('its commands exist', () => {
    const ignore = (): void => undefined
    const known = commandLine(ignore, ignore).commands.map((command) => command.name())
    const scripts = Object.keys(JSON.parse(read('package.json')).scripts)
    for (const text of blocks(readme, 'sh')) {
      for (const [, command] of text.matchAll(/npx signalbox (\w+)/g)) expect(known).toContain(command)
      for (const [, script] of text.matchAll(/^npm (?:run )?(\w+)/gm)) expect(scripts).toContain(script)
    }
  })

  promise('R110', 'says that MCP is a protocol, not a platform, and that the first example is the start line', () => {
    expect(readme).toContain('MCP is a protocol, not a platform')
    expect(readme).toContain('The example below is the start line')
  })
})

test('the configurations of docs/callers.md are valid', () => {
  const found = blocks(read('docs/callers.md'), 'yaml')
  expect(found).toHaveLength(3)
  for (const text of found) {
    const errors = callerFindings(settingsSchema.parse(parse(text))).filter((finding) => finding.severity === 'error')
    expect(errors).toEqual([])
  }
})

describe('docs/operations.md', () => {
  const page = read('docs/operations.md')
  const metrics = [...read('docs/metrics.md').matchAll(/^\| `(signalbox_\w+)`/gm)].map(([, name]) => name ?? '')

  test('has a runbook entry for every metric, and names none that is not there', () => {
    expect(metrics.length).toBeGreaterThan(15)
    expect(metrics.filter((name) => !page.includes(`\`${name}`))).toEqual([])
    expect([...page.matchAll(/signalbox_\w+/g)].map(([name]) => name).filter((name) => !metrics.includes(name))).toEqual([])
  })

  test('has a runbook entry for every category, and names only faults that there are', () => {
    for (const category of new Set(Object.values(catalogue).map((entry) => entry.category))) expect(page).toContain(`| \`${category}\` |`)
    const runbook = page.slice(page.indexOf('## Runbook: by category'), page.indexOf('## Runbook: by metric'))
    const kinds = [...runbook.matchAll(/`([a-z]+_[a-z_]+)`/g)]
      .map(([, kind]) => kind ?? '')
      .filter((kind) => !kind.startsWith('signalbox_'))
    expect(kinds.filter((kind) => !Object.hasOwn(catalogue, kind))).toEqual([])
  })

  test('explains every field of a line of the log', () => {
    const source = read('src/observe/recorder.ts')
    const fields = [...source.slice(source.indexOf('sink.call(severity')).matchAll(/(?:^ {4}| \{ |, )(\w+): /gm)].map(
      ([, field]) => field ?? '',
    )
    expect(fields.length).toBeGreaterThan(12)
    expect([...new Set(fields)].filter((field) => !page.includes(`\`${field}\``))).toEqual([])
  })
})

test.each([
  'docs/authentication.md',
  'docs/identity-providers.md',
  'docs/access.md',
  'docs/authorization-server.md',
  'docs/platform-tokens.md',
])('the configuration that %s shows is valid', (page) => {
  for (const text of blocks(read(page), 'yaml')) {
    const shown = parse(text)
    // What is not ours: cases of `policy test`, manifests of Kubernetes.
    if ('cases' in shown || 'volumes' in shown) continue
    const servers = Object.fromEntries(['notes', 'tracker'].map((name) => [name, { url: 'https://up.example/mcp' }]))
    const settings = settingsSchema.parse({ servers, ...shown })
    expect(checkSettings(settings, () => false).filter((finding) => finding.severity === 'error')).toEqual([])
  }
})

test('every setting that a page names is one', () => {
  const rows = [...read('docs/configuration.md').matchAll(/^\| `([\w.]+)` \|/gm)].map(([, key]) => key ?? '')
  const heads = [...new Set(rows.filter((key) => key.includes('.')).map((key) => key.split('.')[0]))]
  const named = pages
    .filter((page) => page !== 'docs/configuration.md')
    .flatMap((page) =>
      [...read(page).matchAll(new RegExp(`\`((?:${heads.join('|')})\\.[\\w.]+)\``, 'g'))].map(([, key]) => ({ page, key: key ?? '' })),
    )
  expect(named.filter(({ key }) => !rows.includes(key) && !/\.(ts|mjs|md|yaml|json|db|pub)$/.test(key))).toEqual([])
})
