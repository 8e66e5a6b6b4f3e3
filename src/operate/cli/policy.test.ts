import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const root = new URL('../../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'signalbox-policy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const config = file(
  'signalbox.yaml',
  `servers:
  tracker: { command: node }
access:
  - { groups: [support], scopes: [tickets:read], use: ['tracker/get_*'] }
  - { name: writers, groups: [support], scopes: [tickets:write], use: ['tracker/*'], when: 'args.project == "SUP"' }
  - { name: next, groups: [qa], use: ['tracker/*'], shadow: true }
`,
)

function signalbox(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'dist', 'main.js'), ...args], { cwd: folder }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    )
  })
}

describe('policy test', () => {
  const table = `cases:
  - { who: { groups: [support], scopes: [tickets:read] }, tool: tracker/get_issue, expect: allow, rule: access.0 }
  - { who: { groups: [support], scopes: [tickets:read] }, tool: tracker/delete_issue, args: { project: SUP }, expect: step-up }
  - { who: { groups: [support], scopes: [tickets:write] }, tool: tracker/delete_issue, args: { project: OPS }, expect: deny }
  - { who: { groups: [qa] }, tool: tracker/get_issue, expect: deny }
`

  it('passes where each case is decided as its line says', async () => {
    const { code, out } = await signalbox('policy', 'test', file('cases.yaml', table), '--config', config)
    expect(out).toContain('4 passed, 0 failed')
    expect(code).toBe(0)
  })

  it('fails by the line that is not, and says rule by rule why', async () => {
    const wrong = file('wrong.yaml', `${table}  - { name: an intern, who: { groups: [qa] }, tool: tracker/get_issue, expect: allow }\n`)
    const { code, out } = await signalbox('policy', 'test', wrong, '--config', config)
    expect(code).toBe(1)
    expect(out).toMatch(/FAIL +5 +an intern +tracker\/get_issue +deny, not allow +default/)
    expect(out).toContain('it is in none of the groups support')
    expect(out).toContain('4 passed, 1 failed')
    const json = JSON.parse((await signalbox('policy', 'test', wrong, '--config', config, '--json')).out)
    expect(json.verdict).toBe('fail')
    expect(json.cases[4]).toMatchObject({ case: 5, expect: 'allow', decision: 'deny', passed: false })
  })

  it.each([
    ['no case', 'cases: []\n', /wrong-.*yaml:1/],
    ['a key that is none', 'cases:\n  - { who: { group: [a] }, tool: a/b, expect: allow }\n', /group/],
    ['a verdict that is none', 'cases:\n  - { tool: a/b, expect: maybe }\n', /expect/],
    ['a tool without its server', 'cases:\n  - { tool: get, expect: allow }\n', /server\/name/],
  ])('a table with %s is refused, and says where', async (what, text, says) => {
    const { code, err } = await signalbox('policy', 'test', file(`wrong-${what.replaceAll(' ', '-')}.yaml`, text), '--config', config)
    expect(code).toBe(10)
    expect(err).toMatch(says)
  })
})

describe('policy explain', () => {
  it('says who decides, and what each rule says', async () => {
    const principal = '{"groups": ["support"], "scopes": ["tickets:write"]}'
    const asked = ['policy', 'explain', '--principal', principal, '--tool', 'tracker/delete_issue', '--config', config]
    const { code, out } = await signalbox(...asked, '--args', '{"project": "SUP"}')
    expect(code).toBe(0)
    expect(out).toMatch(/^allowed by writers; listed/)
    expect(out).toMatch(/access\.0 +it does not select tracker\/delete_issue/)
    expect(out).toMatch(/next +shadow +it is in none of the groups qa/)
    const told = JSON.parse((await signalbox(...asked, '--json')).out)
    expect(told).toMatchObject({ decision: 'deny', rule: 'default', listed: true })
    expect(JSON.stringify(told.rules)).toContain('No such key: project')
  })

  it.each([
    [['--principal', '{"group": []}', '--tool', 'a/b'], /--principal does not fit/],
    [['--principal', '{', '--tool', 'a/b'], /--principal/],
    [['--principal', 'alice', '--tool', 'b'], /--tool/],
    [['--principal', 'alice', '--tool', 'a/b', '--args', '{'], /--args/],
  ])('refuses %j', async (args, says) => {
    const { code, err } = await signalbox('policy', 'explain', ...args, '--config', config)
    expect(code).toBe(2)
    expect(err).toMatch(says)
  })
})

describe('the configuration of access', () => {
  const check = (access: string, profile = 'dev') =>
    signalbox(
      'check',
      '--no-connect',
      '--profile',
      profile,
      file('access.yaml', `stateDir: state\nservers:\n  tracker: { command: node }\n${access}`),
    )

  it.each([
    ["access: [{ use: ['trakcer/*'] }]\n", /access\.0\.use\.0.*trakcer.*did you mean tracker/],
    ["access: [{ use: ['*'], when: 'args.' }]\n", /access\.0\.when.*is no condition/],
    ["access: [{ use: ['*'], when: 'nobody' }]\n", /nobody/],
    ["access: [{ use: ['*'], name: a }, { use: ['*'], name: a }]\n", /access\.1\.name.*access\.0/],
    ["access: [{ use: ['*'], grups: [a] }]\n", /grups/],
    ['access: [{ groups: [a] }]\n', /use/],
  ])('%j is refused, and says where', async (text, says) => {
    const { code, out } = await check(text)
    expect(out).toMatch(says)
    expect(code).toBe(10)
  })

  it('has to be there in production', async () => {
    const { code, out } = await check('', 'production')
    expect(code).toBe(10)
    expect(out).toMatch(/access.*every caller may use everything/)
  })
})
