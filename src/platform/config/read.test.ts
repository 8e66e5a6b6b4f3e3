import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { formatProblem } from './problem.ts'
import { type ReadOptions, readConfigFile, readConfigText } from './read.ts'

const schema = z.strictObject({
  profile: z.enum(['dev', 'production']).default('dev'),
  listen: z.string().default('127.0.0.1:4280').describe('Address of the front door.'),
  timeouts: z.strictObject({ call: z.number().int().positive().default(50_000).describe('Longest silence in ms.') }).prefault({}),
  servers: z
    .record(
      z.string().regex(/^[a-z0-9-]{1,24}$/, { error: 'a name of 1 to 24 characters: a-z, 0-9, -' }),
      z.strictObject({
        command: z.string().optional(),
        args: z.array(z.string()).default([]),
        url: z.url().optional(),
        headers: z.record(z.string(), z.string()).default({}),
        era: z.enum(['auto', 'legacy', 'modern']).default('auto'),
      }),
    )
    .default({}),
})

const options: ReadOptions<typeof schema> = { env: {}, baseDir: '/', confine: ['servers'] }

function problemsOf(text: string, change: Partial<ReadOptions<typeof schema>> = {}): string[] {
  const result = readConfigText('gw.yaml', text, schema, { ...options, ...change })
  if (result.ok) throw new Error('expected problems')
  return result.problems.map(formatProblem)
}

function settingsOf(text: string, change: Partial<ReadOptions<typeof schema>> = {}) {
  const result = readConfigText('gw.yaml', text, schema, { ...options, ...change })
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result
}

describe('every problem says where it is and how to mend it', () => {
  it('names a wrong type, what was found and what is wanted', () => {
    expect(problemsOf('timeouts:\n  call: 30s\n')).toEqual([
      'gw.yaml:2:9 timeouts.call: expected a number, got "30s"; write a number: Longest silence in ms. Default: 50000.',
    ])
  })

  it('names an unknown key at the key and suggests the nearest', () => {
    expect(problemsOf('servers:\n  one:\n    comand: node\n')).toEqual([
      'gw.yaml:3:5 servers.one.comand: unknown key; did you mean command?',
    ])
    expect(problemsOf('zzz: 1\n')[0]).toContain('known here: profile, listen, timeouts, servers')
  })

  it('says what to do with keys of other programs', () => {
    expect(problemsOf('mcpServers: {}\n', { hints: { mcpServers: 'use --mcp-json' } })).toEqual([
      'gw.yaml:1:1 mcpServers: unknown key; use --mcp-json',
    ])
  })

  it('names a value that is not on the list', () => {
    expect(problemsOf('profile: prodution\n')).toEqual([
      'gw.yaml:1:10 profile: "prodution" is not one of the values; did you mean production? use dev, production',
    ])
  })

  it('names a bad name of a server', () => {
    expect(problemsOf('servers:\n  My_Server: {command: x}\n')[0]).toMatch(
      /^gw\.yaml:2:3 servers\.My_Server: the name "My_Server" is not allowed; use a name of 1 to 24/,
    )
  })

  it('names a bad URL without repeating what may be a password', () => {
    const [problem] = problemsOf('servers:\n  a:\n    url: user:hunter2@host\n    era: 7\n')
    expect(problem ?? '').not.toContain('hunter2')
  })

  it('finds all problems at once, in the order of the file', () => {
    const found = problemsOf('profile: no\nservers:\n  a:\n    args: x\n    foo: 1\n  b:\n    era: new\ntimeouts: {call: -1}\n')
    expect(found.map((line) => line.split(' ')[1])).toEqual([
      'profile:',
      'servers.a.args:',
      'servers.a.foo:',
      'servers.b.era:',
      'timeouts.call:',
    ])
  })

  it('tells a list from a mapping at the root', () => {
    expect(problemsOf('- a\n')[0]).toContain('expected a mapping, got a list')
  })
})

describe('YAML is read strictly', () => {
  const cases: [string, string, RegExp][] = [
    ['a key that stands twice', 'listen: a:1\nlisten: b:2\n', /^gw\.yaml:2:1: the same key stands here twice/],
    ['broken syntax', 'servers: {a: [}\n', /^gw\.yaml:1:\d+: the syntax is broken/],
    ['tabs', 'servers:\n\ta: 1\n', /^gw\.yaml:2:1: .*spaces/],
    ['a second document', 'listen: a:1\n---\nlisten: b:1\n', /^gw\.yaml:2:1: a second document/],
    ['an unknown tag', 'listen: !secret x\n', /^gw\.yaml:1:9: unknown tag/],
    ['merge keys', 'x: &x {a: 1}\nservers:\n  <<: *x\n', /servers\.<<|unknown key/],
    ['nesting beyond reason', `servers: ${'['.repeat(50_000)}`, /nested too deeply|broken/],
  ]
  it.each(cases)('refuses %s', (_, text, expected) => {
    expect(problemsOf(text).join('\n')).toMatch(expected)
  })

  it('refuses an alias bomb quickly', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 9; i++)
      lines.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    expect(problemsOf(lines.join('\n'))[0]).toContain('aliases expand to too much')
  })

  it('takes an empty file as all defaults', () => {
    expect(settingsOf('# nothing\n').settings.listen).toBe('127.0.0.1:4280')
  })

  it('never lets __proto__ through', () => {
    expect(problemsOf('__proto__: {polluted: 1}\n')[0]).toContain('unknown key')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('numbers and words where text is wanted', () => {
  it('are taken exactly as they are written', () => {
    const { settings } = settingsOf(
      'servers:\n  a:\n    args: [8080, 1.10, 0x10, 0o17, 1e3, +1, -0, .inf, 12345678901234567890, true, FALSE, yes, off, 2026-01-02, 1_000]\n    headers:\n      Port: 8080\n      Version: 1.10 # a comment\n      On: true\n',
    )
    expect(settings.servers.a?.args.join(' ')).toBe(
      '8080 1.10 0x10 0o17 1e3 +1 -0 .inf 12345678901234567890 true FALSE yes off 2026-01-02 1_000',
    )
    expect(settings.servers.a?.headers).toEqual({ Port: '8080', Version: '1.10', On: 'true' })
  })
  it('also behind an alias, and in JSON', () => {
    expect(settingsOf('servers: {a: {args: [&v 1.10, *v]}}').settings.servers.a?.args).toEqual(['1.10', '1.10'])
    expect(settingsOf('{"servers": {"a": {"args": [1.10, true]}}}').settings.servers.a?.args).toEqual(['1.10', 'true'])
  })
  it('while numbers that are wanted stay numbers, and a word for one is an error', () => {
    expect(settingsOf('timeouts: {call: 0x10}').settings.timeouts.call).toBe(16)
    expect(problemsOf('timeouts: {call: true}')[0]).toContain('expected a number, got true')
  })
  it.each(['~', 'null', '', 'Null'])('but nothing is no text: %s', (nothing) => {
    expect(problemsOf(`servers:\n  a:\n    headers:\n      KEY: ${nothing}\n`)[0]).toMatch(
      /^gw\.yaml:4:\d+ servers\.a\.headers\.KEY: expected text, got nothing; write "" for empty text, "null" for the word, or remove it$/,
    )
  })
  it('and lists and mappings are none either', () => {
    expect(problemsOf('servers: {a: {args: [[1]], headers: {A: {b: 1}}}}').map((line) => line.split('; ')[0])).toEqual([
      'gw.yaml:1:22 servers.a.args.0: expected text, got a list',
      'gw.yaml:1:38 servers.a.headers.A: expected text, got a mapping',
    ])
  })
})

describe('names', () => {
  const named = { named: ['servers'] }
  it('that do not fit are made fit, always the same, with a warning', () => {
    const { settings, warnings } = settingsOf(
      'servers: {my_server: {}, GitHub: {}, "日本": {}, a-name-that-is-far-too-long-for-us: {}, fits-as-it-is-: {}}',
      named,
    )
    const names = Object.keys(settings.servers)
    expect(names.slice(0, 2)).toEqual(['my-server', 'github'])
    expect(names[2]).toMatch(/^server-[0-9a-f]{4}$/)
    expect(names[3]).toMatch(/^a-name-that-is-far-[0-9a-f]{4}$/)
    expect(names[4]).toBe('fits-as-it-is-')
    expect(warnings).toHaveLength(4)
  })
  it('never let __proto__ through', () => {
    const { settings } = settingsOf('servers: {__proto__: {command: x}}', named)
    expect(Object.keys(settings.servers)).toEqual(['proto'])
    expect(Object.getPrototypeOf(settings.servers)).toBe(Object.prototype)
  })
})

describe('references', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-config-'))
    writeFileSync(join(folder, 'token'), 'from-a-file\n')
    chmodSync(join(folder, 'token'), 0o644)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('are filled in inside strings, and only where they are strings', () => {
    const { settings, secrets } = settingsOf(
      'servers:\n  a:\n    command: ${env:CMD}\n    args: ["--x=${env:X:-fallback}", "$${literal}", "${file:token}", "${dir:config}/f"]\n',
      { env: { CMD: 'node' }, baseDir: folder, dirs: { config: '/conf' } },
    )
    expect(settings.servers.a?.command).toBe('node')
    expect(settings.servers.a?.args).toEqual(['--x=fallback', '${literal}', 'from-a-file', '/conf/f'])
    expect(secrets).toEqual(['node', 'from-a-file'])
  })

  it('yield no secrets where the value is known to be none', () => {
    const { secrets } = settingsOf('servers: {a: {command: "${env:CMD}", args: ["${env:T}"]}}', {
      env: { CMD: '/usr/bin/node', T: 'top-secret' },
      secretAt: (path) => path.at(-1) !== 'command',
    })
    expect(secrets).toEqual(['top-secret'])
  })

  it('cannot inject YAML', () => {
    const { settings } = settingsOf('listen: ${env:EVIL}\n', { env: { EVIL: 'x\nprofile: production' } })
    expect(settings.profile).toBe('dev')
  })

  it('that miss break only their own server, which is named with the variable', () => {
    const result = settingsOf(
      'servers:\n  good: {command: node}\n  bad:\n    url: https://${env:HOST}/mcp\n    headers: {a: "${env:TOKEN}"}\n',
      {
        env: { HOST: '' },
      },
    )
    expect(Object.keys(result.settings.servers)).toEqual(['good', 'bad'])
    expect(result.broken.map((each) => [each.name, each.reason.split(' (')[0]])).toEqual([
      ['bad', 'the environment variable HOST is empty'],
      ['bad', 'the environment variable TOKEN is not set'],
    ])
    expect(formatProblem((result.broken[1] as (typeof result.broken)[0]).problem)).toMatch(
      /^gw\.yaml:5:\d+ servers\.bad\.headers\.a: .*set TOKEN/,
    )
  })

  it('that miss where the whole value depends on them leave the others served', () => {
    const result = settingsOf('servers:\n  good: {command: node}\n  bad: {url: "${env:URL}"}\n')
    expect(Object.keys(result.settings.servers)).toEqual(['good'])
    expect(result.broken.map((each) => each.name)).toEqual(['bad'])
  })

  it('that miss outside a server are errors', () => {
    expect(problemsOf('listen: ${env:LISTEN}\n', { env: { LISTN: 'x' } })).toEqual([
      'gw.yaml:1:9 listen: the environment variable LISTEN is not set; set LISTEN before the start, or give a default with ${env:LISTEN:-…} (LISTN is set: is that the one?)',
    ])
  })

  it('of an unknown kind are errors that show the right form', () => {
    expect(problemsOf('servers: {a: {command: "${HOME}"}}')[0]).toContain('write ${env:HOME}')
    expect(problemsOf('servers: {a: {command: "${vault:x}"}}')[0]).toContain('known are ${env:NAME}')
    expect(problemsOf('servers: {a: {command: "${dir:nope}"}}', { dirs: { config: '/' } })[0]).toContain('known are ${dir:config}')
  })

  it('to a secret file that others can read are refused where that matters', () => {
    const text = 'servers: {a: {command: node, args: ["${file:token}"]}}'
    const result = settingsOf(text, { baseDir: folder, privateFiles: () => true })
    expect(result.broken[0]?.reason).toContain(`run chmod 600 ${join(folder, 'token')}`)
    chmodSync(join(folder, 'token'), 0o600)
    expect(settingsOf(text, { baseDir: folder, privateFiles: () => true }).broken).toEqual([])
  })

  it('to a file of certificates alone may be read by others', () => {
    const block = (label: string): string => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`
    const broken = (content: string) => {
      writeFileSync(join(folder, 'chain.pem'), content)
      chmodSync(join(folder, 'chain.pem'), 0o644)
      const text = 'servers: {a: {command: node, args: ["${file:chain.pem}"]}}'
      return settingsOf(text, { baseDir: folder, privateFiles: () => true }).broken.length
    }
    expect(broken(block('CERTIFICATE') + block('CERTIFICATE'))).toBe(0)
    expect([broken(block('PRIVATE KEY')), broken(block('CERTIFICATE') + block('EC PRIVATE KEY'))]).toEqual([1, 1])
  })

  it('never appear in a problem', () => {
    const found = problemsOf('profile: ${env:SECRET}\ntimeouts: {call: "${env:SECRET}"}\n', { env: { SECRET: 'hush-hush' } })
    expect(found).toHaveLength(2)
    expect(found.join('\n')).not.toContain('hush-hush')
  })
})

describe('checks beyond the schema', () => {
  it('are located, and errors come before warnings', () => {
    const check = () => [
      { severity: 'warning' as const, path: ['listen'], what: 'odd', mend: '' },
      { severity: 'error' as const, path: ['timeouts', 'call'], what: 'contradiction', mend: 'choose' },
    ]
    expect(problemsOf('listen: a:1\ntimeouts:\n  call: 1\n', { check })).toEqual(['gw.yaml:3:9 timeouts.call: contradiction; choose'])
  })
})

describe('a file that cannot be read', () => {
  it('is a problem, not a crash', () => {
    const result = readConfigFile('/nonexistent/gw.yaml', schema, options)
    expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual(['/nonexistent/gw.yaml: does not exist; check the path'])
    const folder = readConfigFile('/', schema, options)
    expect(folder.ok ? [] : folder.problems.map(formatProblem)).toEqual(['/: is a folder; give the path of a file'])
  })
})
