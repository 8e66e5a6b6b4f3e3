import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Digests, ToolContract } from '../../../core/call/contract.ts'
import { checkedLock, emptyLock, type LockFile, lockedTool, readToolName, serialiseLock, withServer, withTool } from './lock-file.ts'
import { lineOfTool, readLock } from './lock-reading.ts'
import { isOver, withoutAccepted, withoutWaived } from './waived.ts'

const hex = '9c59'.repeat(16)
const digests: Digests = { contract: `c1:${hex}`, hints: `h1:${hex}`, prose: `p1:${hex}`, exact: `x1:${hex}` }
const found = { status: 'admitted', by: 'ana', reason: null } as const

const search: ToolContract = {
  name: 'search',
  title: 'Search',
  description: 'Searches.\nWell.',
  inputSchema: { type: 'object', properties: { q: { type: 'string', description: 'the words' } }, required: ['q'] },
  annotations: { readOnlyHint: true },
  _meta: { 'example.com/x': [1, { b: 1, a: null }] },
}

function of(...tools: readonly ToolContract[]): LockFile {
  return tools.reduce((lock, tool) => withTool(lock, 'github', String(tool.name), lockedTool(tool, digests, found)), emptyLock)
}

function read(text: string) {
  return readLock(Buffer.from(text))
}

function reread(lock: LockFile): LockFile {
  const reading = read(serialiseLock(lock))
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems))
  return reading.lock
}

function problems(text: string) {
  const reading = read(text)
  return reading.ok ? [] : reading.problems
}

describe('tools.lock.json', () => {
  it('is written sorted, a member a line, and as people read it', () => {
    expect(
      serialiseLock(withServer(of(search, { name: 'add', inputSchema: {} }), 'a', { identity: 'npm:a@1', tools: new Map(), unknown: {} })),
    ).toMatchInlineSnapshot(`
      "{
        "lockVersion": 1,
        "formula": "c1",
        "servers": {
          "a": {
            "identity": "npm:a@1",
            "tools": {}
          },
          "github": {
            "identity": null,
            "tools": {
              "add": {
                "contract": "c1:${hex}",
                "hints": "h1:${hex}",
                "prose": "p1:${hex}",
                "status": "admitted",
                "by": "ana",
                "reason": null,
                "input": {},
                "output": null,
                "annotations": null,
                "deprecated": null,
                "adapter": null
              },
              "search": {
                "contract": "c1:${hex}",
                "hints": "h1:${hex}",
                "prose": "p1:${hex}",
                "status": "admitted",
                "by": "ana",
                "reason": null,
                "description": "Searches.\\nWell.",
                "input": {
                  "properties": {
                    "q": {
                      "description": "the words",
                      "type": "string"
                    }
                  },
                  "required": [
                    "q"
                  ],
                  "type": "object"
                },
                "output": null,
                "annotations": {
                  "readOnlyHint": true
                },
                "other": {
                  "_meta": {
                    "example.com/x": [
                      1,
                      {
                        "a": null,
                        "b": 1
                      }
                    ]
                  },
                  "title": "Search"
                },
                "deprecated": null,
                "adapter": null
              }
            }
          }
        },
        "ignore": []
      }
      "
    `)
  })

  it('gives back whole what a server sent, whatever it was', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string(),
          fc.record({ inputSchema: fc.jsonValue(), outputSchema: fc.jsonValue(), x: fc.jsonValue() }, { requiredKeys: [] }),
        ),
        (tools) => {
          const lock = of(...Object.entries(tools).map(([name, tool]) => JSON.parse(JSON.stringify({ ...tool, name })) as ToolContract))
          const again = reread(lock)
          expect(
            Object.fromEntries([...(again.servers.get('github')?.tools ?? [])].map(([name, tool]) => [name, tool.definition])),
          ).toEqual(Object.fromEntries([...(lock.servers.get('github')?.tools ?? [])].map(([name, tool]) => [name, tool.definition])))
          expect(serialiseLock(again)).toBe(serialiseLock(lock))
        },
      ),
    )
  })

  it('has the same bytes in whatever order its parts came', () => {
    const other = { name: 'search', ...Object.fromEntries(Object.entries(search).reverse()) }
    expect(serialiseLock(of({ name: 'add' }, other))).toBe(serialiseLock(of(search, { name: 'add' })))
  })

  it('keeps what it does not know', () => {
    const raw = JSON.parse(serialiseLock(of(search)))
    raw.later = { a: 1 }
    raw.servers.github.owner = 'team'
    raw.servers.github.tools.search.seal = 'x'
    const lock = reread(
      withTool(reread({ ...of(search), unknown: { later: { a: 1 } } }), 'b', 't', lockedTool({ name: 't' }, digests, found)),
    )
    expect(lock.unknown).toEqual({ later: { a: 1 } })
    const reading = read(JSON.stringify(raw))
    if (!reading.ok) throw new Error('not read')
    expect(JSON.parse(serialiseLock(reading.lock))).toEqual(raw)
  })

  it('survives names like those of its own language', () => {
    const lock = of(
      { name: '__proto__', inputSchema: JSON.parse('{"properties": {"__proto__": {"type": "string"}}}') },
      { name: 'constructor' },
    )
    const tools = reread(lock).servers.get('github')?.tools
    expect([...(tools?.keys() ?? [])]).toEqual(['__proto__', 'constructor'])
    expect(JSON.stringify(tools?.get('__proto__')?.definition.inputSchema)).toBe('{"properties":{"__proto__":{"type":"string"}}}')
  })

  it('takes no definition for one of another name', () => {
    const raw = JSON.parse(serialiseLock(of(search)))
    raw.servers.github.tools.search.other = { name: 'delete_everything', inputSchema: { type: 'string' } }
    const reading = read(JSON.stringify(raw))
    expect(reading.ok && reading.lock.servers.get('github')?.tools.get('search')?.definition).toMatchObject({
      name: 'search',
      inputSchema: { type: 'object' },
    })
  })

  it('says where a tool stands', () => {
    const text = serialiseLock(of({ name: 'add' }, search))
    const line = lineOfTool(Buffer.from(text), 'github', 'search')
    expect(text.split('\n')[line - 1]).toContain('"search": {')
    expect(lineOfTool(Buffer.from(text), 'nobody', 'search')).toBe(4)
    expect(lineOfTool(Buffer.from('{"servers": '), 'github', 'search')).toBe(1)
  })
})

describe('a lock file that cannot be read', () => {
  const good = serialiseLock(of(search))
  const withAdapter = (adapter: string): string => good.replace('"adapter": null', `"adapter": ${adapter.replaceAll('HEX', hex)}`)

  it.each([
    ['', 'is no JSON (unexpected end)', 1, 1],
    ['[]', 'has to be an object: a lock file', 1, 1],
    ['{"lockVersion": 1,\n "servers": {}} x', 'goes on after its end', 2, 17],
    ['{"lockVersion": 1,\n "servers": }', 'is no JSON', 2, 13],
    ['{"lockVersion": 2}', 'is 2; this program reads 1', 1, 2],
    ['{"servers": {}}', 'has to be 1', 1, 1],
    ['{"lockVersion": 1, "servers": {"a": {"tools": {"t": {}, "t": {}}}}}', 'has "t" twice in one object', 1, 57],
    ['{"lockVersion": 1, "servers": []}', 'has to be an object: servers by their names', 1, 20],
    [good.replace('  "servers"', '<<<<<<< ours\n  "servers"'), 'has the marks of a merge that was not finished', 4, 1],
    [good.replace('"admitted"', '"aproved"'), 'has to be admitted, approved, rejected', 12, 11],
    [good.replace(`c1:${hex}`, 'sha256-x'), 'has to be a digest, as c1:9c59…', 9, 11],
    [good.replace('"annotations"', '"anotations"'), 'is missing', 8, 9],
    [good.replace('"deprecated": null', '"deprecated": {"from": "soon", "sunset": "2027-01-01"}'), 'has to be a date', 44, 26],
    [
      good.replace('"ignore": []', '"ignore": [{"tool": "a.b", "rule": "x", "pointer": "", "until": "2027-13-01"}]'),
      'has to be a day',
      50,
      58,
    ],
    [good.replace('"ignore": []', '"ignore": [{"tool": "b", "rule": "x", "pointer": "", "until": "2027-12-01"}]'), 'names no tool', 50, 15],
    [good.replace('"ignore": []', '"ignore": [{"tool": "a.b", "rule": "x", "untill": "2027-12-01"}]'), 'is missing', 50, 14],
    [withAdapter('[]'), 'has to be an object: null, or {contract, hints, input, output}', 45, 11],
    [withAdapter('{"hints": "h1:HEX"}'), 'has to be a digest, as c1:9c59…', 45, 11],
    [withAdapter('{"contract": "c1:HEX", "hints": "h1:HEX", "input": {}}'), 'has to be a list', 45, 186],
    [withAdapter('{"contract": "c1:HEX", "hints": "h1:HEX", "input": [{"op": "eval", "name": "a"}]}'), 'is no operation', 45, 196],
    [withAdapter('{"contract": "c1:HEX", "hints": "h1:HEX", "overide": true}'), 'is no part of an adapter', 45, 186],
    [withAdapter('{"contract": "c1:HEX", "hints": "h1:HEX", "override": 1}'), 'has to be true or false', 45, 186],
    [withAdapter('{"contract": "c1:HEX", "hints": "h1:HEX", "override": true, "reason": ""}'), 'is missing', 45, 204],
  ])('%#: says what, where and how to mend it', (text, what, line, column) => {
    const [problem] = problems(text)
    expect(problem).toMatchObject({ what: expect.stringContaining(what), line, column })
    expect(problem?.mend).not.toBe('')
  })

  it('has a translation beside the contract that it leads from, which is written as it was read', () => {
    const adapter = {
      ...{ contract: `c1:${hex}`, hints: `h2:${hex}`, override: true, by: 'ana', reason: 'PR 212', output: [{ op: 'drop', name: 'x' }] },
      input: [{ op: 'rename', from: 'a', to: 'b' }],
    }
    const read = readLock(Buffer.from(withAdapter(JSON.stringify(adapter))))
    const tool = read.ok ? read.lock.servers.get('github')?.tools.get('search') : undefined
    expect(tool?.adapter).toEqual(adapter)
    expect(read.ok && JSON.parse(serialiseLock(read.lock)).servers.github.tools.search.adapter).toEqual(adapter)
    const least = readLock(Buffer.from(withAdapter(`{"contract": "c1:${hex}", "hints": "h1:${hex}"}`)))
    expect(least.ok && least.lock.servers.get('github')?.tools.get('search')?.adapter).toMatchObject({
      ...{ input: [], output: [], override: false, by: null, reason: null },
    })
  })

  it('is never an exception, whatever stands in it', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          readLock(bytes)
          lineOfTool(bytes, 'a', 'b')
        },
      ),
    )
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.string({ maxLength: 3 }), (at, put) => {
        readLock(Buffer.from(good.slice(0, at) + put + good.slice(at + 1)))
      }),
    )
    expect(problems('['.repeat(100_000))[0]?.what).toContain('nesting deeper')
  })

  it('is read behind a byte order mark', () => expect(problems(`\uFEFF${good}`)).toEqual([]))
})

describe('digests of another formula', () => {
  const now = (definition: ToolContract): Digests => ({ ...digests, contract: `c1:${String(definition.name).padStart(64, '0')}` })

  it('are taken anew from the text, and are no change', () => {
    const old = { ...lockedTool(search, digests, found), contract: 'c0:9c599c599c599c59' }
    const { lock, edited } = checkedLock(withTool(emptyLock, 'github', 'search', old), now)
    expect(edited).toEqual([])
    expect(lock.servers.get('github')?.tools.get('search')?.contract).toBe(now(search).contract)
  })

  it('of the formula of now tell that the text was edited by hand', () => {
    expect(checkedLock(of(search), now).edited).toEqual([{ server: 'github', tool: 'search' }])
    expect(checkedLock(of(search), () => digests).edited).toEqual([])
  })
})

describe('changes that are accepted for a while', () => {
  const rule = { server: 'github', tool: 'search', rule: 'bound.changed', pointer: '/properties/limit', until: '2027-01-31', reason: null }
  const bound = {
    kind: 'bound.changed',
    side: 'input',
    pointer: '/properties/limit',
    verdict: 'breaking',
    human: 'limit is at most 10',
  } as const
  const added = { kind: 'property.added', side: 'input', pointer: '/properties/x', verdict: 'additive', human: 'x is new' } as const
  const judged = { verdict: 'breaking', changes: [bound, added] } as const
  const whose = { server: 'github', tool: 'search' }
  const before = Date.parse('2027-01-31T23:59:59Z')

  it('leave what else changed', () => {
    expect(withoutWaived(judged, [rule], whose, before)).toEqual({
      verdict: 'additive',
      changes: [added],
      waived: [{ change: bound, until: '2027-01-31' }],
    })
  })

  it.each([
    ['its last day is over', [rule], before + 1_000],
    ['the rule is of another place', [{ ...rule, pointer: '/properties/other' }], before],
    ['the rule is of another kind', [{ ...rule, rule: 'type.changed' }], before],
    ['the rule is of another tool', [{ ...rule, tool: 'other' }], before],
  ])('not where %s', (_why, rules, now) => {
    expect(withoutWaived(judged, rules, whose, now)).toEqual({ ...judged, waived: [] })
  })

  it('leave what the validator of calls cannot run as it was', () => {
    const unrunnable = { ...judged, error: 'the schema cannot be run' }
    expect(withoutWaived(unrunnable, [rule], whose, before)).toMatchObject({ verdict: 'breaking', waived: [] })
  })

  it('leave words that nobody accepted', () => {
    const finding = (pointer: string) =>
      ({ rule: 'emphasis', pointer, sentence: 'x' }) as unknown as Parameters<typeof withoutAccepted>[0][number]
    const words = { ...rule, rule: 'screening.emphasis', pointer: '/description' }
    const [one, two] = [finding('/description'), finding('/title')]
    expect(withoutAccepted([one, two], [words], whose, before)).toEqual({
      held: [two],
      accepted: [{ finding: one, until: '2027-01-31' }],
    })
    expect(withoutAccepted([one], [words], whose, before + 1_000).held).toEqual([one])
  })

  it('end with their day', () => {
    expect(isOver(rule, before)).toBe(false)
    expect(isOver(rule, before + 1_000)).toBe(true)
  })
})

describe('the name of a tool', () => {
  it.each([
    ['github.search', { server: 'github', tool: 'search' }],
    ['github/search.code', { server: 'github', tool: 'search.code' }],
    ['github', undefined],
    ['github.', undefined],
    ['.search', undefined],
  ])('%s', (text, expected) => expect(readToolName(text)).toEqual(expected))
})
