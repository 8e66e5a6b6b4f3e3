import { describe, expect, it } from 'vitest'
import { packageRoot } from '../package-root.ts'
import { readSource, serverNameOf, words } from './source.ts'

const read = (text: string) => readSource(text, packageRoot)

describe('where contracts come from', () => {
  it.each([
    ['package.json', { kind: 'file', label: 'package.json' }, 'package'],
    ['https://user:secret@host.example:8443/a/mcp?key=1', { kind: 'address', label: 'https://host.example:8443/a/mcp' }, 'host-example'],
    ['unix:/run/signalbox.sock', { kind: 'address', url: 'unix:/run/signalbox.sock' }, 'socket'],
    ['npm:@acme/server@1.2.3 /tmp "a b"', { kind: 'package', name: '@acme/server', version: '1.2.3', args: ['/tmp', 'a b'] }, 'server'],
    ['npm:server', { kind: 'package', name: 'server', version: 'latest', args: [] }, 'server'],
    ['npm:server@^1', { kind: 'package', name: 'server', version: '^1' }, 'server'],
    ['stdio:node server.mjs --stdio', { kind: 'program', command: 'node', args: ['server.mjs', '--stdio'], label: 'stdio:node' }, 'node'],
    ['tracker', { kind: 'configured', name: 'tracker' }, 'tracker'],
  ])('%s', (text, expected, name) => {
    const source = read(text)
    expect(source).toMatchObject(expected)
    if (typeof source !== 'string') expect(serverNameOf(source)).toBe(name)
  })

  it.each([
    ['nowhere.json', 'is not there. Give a lock file'],
    ['src', 'is no file'],
    ['http://', 'is no address'],
    ['npm:', 'names no package'],
    // Nothing of npm but names of the registry: no paths, addresses, aliases or options.
    ['npm:../evil', 'names no package'],
    ['npm:git+ssh://host/x', 'names no package'],
    ['npm:a@npm:b', 'names no package'],
    ['npm:a@file:../x', 'names no package'],
    ['npm:--global', 'names no package'],
    ['npm:a@--registry=http://x', 'names no package'],
    ['npm:"a', 'is not closed'],
    ['stdio:', 'needs a program'],
  ])('%s is none, and it is said why', (text, reason) => expect(read(text)).toContain(reason))
})

describe('words', () => {
  it.each([
    [`a 'b c' "d e" f\\ g ''`, ['a', 'b c', 'd e', 'f g', '']],
    [`"a\\"b" 'c\\d' "e\\n"`, ['a"b', 'c\\d', 'e\\n']],
    ['  ', []],
    ['a$(x) `y` *;|', ['a$(x)', '`y`', '*;|']],
  ])('%s', (text, expected) => expect(words(text)).toEqual(expected))
})
