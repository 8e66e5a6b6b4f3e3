// What is made by chance and is no secret, and what is one: how often the rule of chance is wrong about either, from a seed. The figures stand in
// docs/redaction.md.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { redactedArguments } from '../../src/core/secrets/redacted-arguments.ts'
import { Redaction } from '../../src/core/secrets/redaction.ts'
import { root } from '../peers/servers.ts'

const each = 2_000
const redaction = new Redaction({ keys: [], patterns: [] }, [])
const base62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** So many bytes by chance, the same each time. */
const bytes = (n: number, of: string, count: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(count / 32) }, (_, at) => createHash('sha256').update(`${of} ${n} ${at}`).digest()),
  ).subarray(0, count)
const text = (n: number, of: string, length: number, alphabet = base62): string =>
  [...bytes(n, of, length * 2)]
    .filter((_, at) => at % 2 === 0)
    .map((byte, at) => alphabet[(byte * 256 + (bytes(n, of, length * 2)[at * 2 + 1] as number)) % alphabet.length])
    .join('')
const hex = (n: number, of: string, count: number) => bytes(n, of, count).toString('hex')
const uuid = (n: number) => hex(n, 'uuid', 16).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
const words = ['src', 'Main', 'lib2', 'node_modules', 'UserService', 'index', 'v1', 'assets', 'README', 'report2026', 'componentsV2']

const harmless: Readonly<Record<string, (n: number) => string>> = {
  UUIDs: uuid,
  'SHA-1 and SHA-256 in hexadecimal': (n) => hex(n, 'sha', n % 2 === 0 ? 20 : 32),
  ULIDs: (n) => text(n, 'ulid', 26, '0123456789ABCDEFGHJKMNPQRSTVWXYZ'),
  'paths of files': (n) =>
    `/${[0, 1, 2, 3, 4].map((at) => words[(bytes(n, 'path', 5)[at] as number) % words.length]).join('/')}/file${n}.ts`,
  'numbers and times': (n) => `${1_700_000_000_000 + n} 2026-11-30T10:02:31.${String(n % 1_000).padStart(3, '0')}Z`,
}
/** Images and digests in base 64 are made by chance as tokens are: nothing tells them apart but their name. */
const alike: Readonly<Record<string, (n: number) => string>> = {
  'images in base 64 (PNG, 200 bytes)': (n) =>
    Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), bytes(n, 'png', 184)]).toString('base64'),
  'SHA-256 in base 64': (n) => bytes(n, 'digest', 32).toString('base64'),
}
const secret: Readonly<Record<string, (n: number) => string>> = {
  'tokens of 24 characters of base 62': (n) => text(n, 'token', 24),
  'tokens of 32 characters of base 62': (n) => text(n, 'token', 32),
  'tokens of 40 characters of base 62': (n) => text(n, 'token', 40),
  '32 bytes in base 64 for addresses': (n) => bytes(n, 'url', 32).toString('base64url'),
}

function share(make: (n: number) => string): number {
  let redacted = 0
  for (let n = 0; n < each; n += 1) {
    const shown = redactedArguments(Buffer.from(JSON.stringify({ note: `see ${make(n)} here` })), redaction)
    if (shown.includes('[redacted:high_entropy]')) redacted += 1
  }
  return redacted / each
}

const line = (name: string, of: number): string => `| ${name} | ${(of * 100).toFixed(1)} % |`
const table = [...Object.entries(harmless), ...Object.entries(alike), ...Object.entries(secret)].map(
  ([name, make]) => [name, share(make)] as const,
)

it('leaves ids, digests in hexadecimal and paths, and finds most tokens', () => {
  const of = Object.fromEntries(table)
  for (const name of Object.keys(harmless)) expect([name, of[name]]).toEqual([name, expect.toSatisfy((found: number) => found <= 0.001)])
  for (const name of Object.keys(secret)) expect([name, of[name]]).toEqual([name, expect.toSatisfy((found: number) => found >= 0.8)])
})

it('does so as docs/redaction.md says', () => {
  expect(readFileSync(join(root, 'docs', 'redaction.md'), 'utf8')).toContain(table.map(([name, found]) => line(name, found)).join('\n'))
})
