// How far tokens that are taken from the characters of a text are from those of the vocabulary: over arguments and results of real servers,
// which read the files of this repository, and over texts of other kinds. docs/cost.md tells these figures.
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import { LearnedTokens } from '../../src/gateway/limits/learned-tokens.ts'
import { estimateTokens } from '../../src/platform/tokens/estimate.ts'
import { countIn } from '../../src/platform/tokens/thread.ts'
import { everything, filesystem, memory, root } from '../peers/servers.ts'

const plain = { disallowedSpecial: new Set<string>() }
const exact = (text: string): number => countTokens(text, plain)
const estimated = (text: string): number => estimateTokens(Buffer.from(text))

// Each path that is asked for and answered begins with where this checkout lies: the same for everybody, or the figures are those of its name.
const elsewhere = (value: unknown): string => JSON.stringify(value).replaceAll(root, '/srv/project/')

type Call = (tool: string, args: Record<string, unknown>) => Promise<void>
interface Text {
  readonly tool: string
  readonly text: string
}

async function of(server: { command: string; args: string[]; env?: Record<string, string> }, work: (call: Call) => Promise<void>) {
  const args: Text[] = []
  const results: Text[] = []
  const client = new Client({ name: 'tokens', version: '1' })
  await client.connect(new StdioClientTransport({ ...server, stderr: 'ignore' }))
  try {
    await work(async (tool, given) => {
      const params = { name: tool, arguments: given }
      args.push({ tool, text: elsewhere(params) })
      results.push({ tool, text: elsewhere(await client.request({ method: 'tools/call', params }, ResultSchema)) })
    })
  } finally {
    await client.close()
  }
  return { args, results }
}

async function corpus(folder: string): Promise<{ args: Text[]; results: Text[] }> {
  const parts = [
    await of(filesystem(root), async (call) => {
      for (const at of ['src/core', 'src/gateway', 'test/promises', 'docs', 'scripts']) {
        const found = (await readdir(join(root, at), { recursive: true })).filter((one) => /\.(ts|mjs|md)$/.test(one)).sort()
        for (let n = 0; n < found.length; n += 7) await call('read_text_file', { path: join(root, at, found[n] as string) })
        await call('list_directory', { path: join(root, at) })
        await call('list_directory_with_sizes', { path: join(root, at) })
        await call('directory_tree', { path: join(root, at) })
        await call('get_file_info', { path: join(root, at) })
      }
    }),
    await of(memory(join(folder, 'memory.json')), async (call) => {
      for (let n = 0; n < 20; n += 1) {
        const observations = [`lives in town ${n}`, `likes the colour of the sea in ${1900 + n}`]
        await call('create_entities', { entities: [{ name: `person ${n}`, entityType: 'person', observations }] })
        await call('search_nodes', { query: `town ${n}` })
      }
      await call('read_graph', {})
    }),
    await of(everything, async (call) => {
      for (let n = 1; n <= 10; n += 1) {
        await call('echo', { message: 'hello world '.repeat(n) })
        await call('get-sum', { a: n * 37, b: n * 91 })
        await call('get-resource-links', { count: n })
        await call('get-resource-reference', { resourceType: n % 2 === 0 ? 'Text' : 'Blob', resourceId: n })
      }
      for (const location of ['New York', 'Chicago', 'Los Angeles']) await call('get-structured-content', { location })
      await call('get-tiny-image', {})
    }),
  ]
  return { args: parts.flatMap((one) => one.args), results: parts.flatMap((one) => one.results) }
}

function figures(texts: readonly Text[], by: (text: string) => number) {
  const errors = texts.map(({ text }) => Math.abs(by(text) / exact(text) - 1)).sort((a, b) => a - b)
  const sum = (of: (text: string) => number): number => texts.reduce((all, { text }) => all + of(text), 0)
  const at = (part: number): number => errors[Math.min(errors.length - 1, Math.floor(errors.length * part))] as number
  return { texts: texts.length, half: at(0.5), tenth: at(0.9), most: at(1), inAll: sum(by) / sum(exact) - 1 }
}

const percent = (part: number): string => `${(part * 100).toFixed(1)} %`
const told = (name: string, { texts, half, tenth, most, inAll }: ReturnType<typeof figures>): string =>
  `${name}: ${texts} texts, half within ${percent(half)}, nine in ten within ${percent(tenth)}, all within ${percent(most)}; in all ${percent(inAll)}`

describe('tokens by the kinds of characters', () => {
  it('of what real servers are asked and answer are close to those of the vocabulary', { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-tokens-'))
    try {
      const { args, results } = await corpus(folder)
      const pieces = figures(results, (text) => countIn(countTokens, Buffer.from(text)))
      const measured = { args: figures(args, estimated), results: figures(results, estimated), pieces, learned: learned(results) }
      if (process.env.TOKENS_FIGURES !== undefined) {
        for (const [name, one] of Object.entries(measured)) process.stdout.write(`${told(name, one)}\n`)
      }
      expect(measured.results.texts).toBeGreaterThan(150)
      expect(measured.results.half).toBeLessThan(0.08)
      expect(measured.results.tenth).toBeLessThan(0.2)
      expect(measured.results.most).toBeLessThan(0.5)
      expect(Math.abs(measured.results.inAll)).toBeLessThan(0.1)
      expect(measured.args.half).toBeLessThan(0.12)
      expect(measured.args.most).toBeLessThan(0.3)
      expect(pieces.most).toBeLessThan(0.01)
      expect(Math.abs(measured.learned.inAll)).toBeLessThan(0.1)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  const draws = (bytes: number, encoding: 'hex' | 'base64'): string => {
    let text = ''
    for (let n = 0; text.length < bytes; n += 1) text += createHash('sha256').update(`${n}`).digest(encoding)
    return text.slice(0, bytes)
  }
  it.each([
    ['base64', draws(2_000, 'base64'), 0.2],
    ['hex', draws(2_000, 'hex'), 0.2],
    ['rows', JSON.stringify(Array.from({ length: 20 }, (_, id) => ({ id, name: `Customer ${id}`, balance: id * 12.5, note: null }))), 0.2],
    ['prose', 'The quarterly report shows that sales in the northern region have grown by four percent. '.repeat(20), 0.2],
    ['Chinese', '网关在服务器端限制代理可以使用的数量。每次调用都会留下一条记录,'.repeat(20), 0.4],
    ['Japanese', 'このゲートウェイはすべての呼び出しを記録します。'.repeat(20), 0.4],
    ['Russian', 'Шлюз записывает каждый вызов, его аргументы и результат. '.repeat(20), 0.4],
    ['Arabic', 'تسجل البوابة كل مكالمة ونتيجتها. '.repeat(20), 0.4],
    ['French', 'Chaque appel laisse une trace: qui a appelé, quel outil, à quel prix et pourquoi. '.repeat(20), 0.2],
  ])('of %s', (kind, text, most) => {
    const error = estimated(text) / exact(text) - 1
    if (process.env.TOKENS_FIGURES !== undefined) process.stdout.write(`${kind}: ${percent(error)}\n`)
    expect(Math.abs(error)).toBeLessThan(most)
  })

  it('of a large text are those of parts of it, in a time that does not grow with it', () => {
    const large = 'An agent that misreads its own notes can call one tool a hundred times in ten seconds. '.repeat(20_000)
    expect(Math.abs(estimated(large) / (exact(large.slice(0, 8_700)) * 200) - 1)).toBeLessThan(0.25)
    expect([estimated(''), estimated('a')]).toEqual([0, 2])
    expect(estimateTokens(Uint8Array.from([0xff, 0x80, 0x00, 0xc3]))).toBeGreaterThan(0)
  })
})

/** Of the later half of each tool's results, by what the first half taught. */
function learned(results: readonly Text[]): ReturnType<typeof figures> {
  const tools = grouped(results)
  const later: Text[] = []
  const taken = new Map<string, number>()
  for (const texts of tools.values()) {
    const tokens = new LearnedTokens()
    for (const { text } of texts) {
      const length = Buffer.byteLength(text)
      const known = tokens.of(length)
      if (known !== undefined) {
        later.push({ tool: '', text })
        taken.set(text, known)
      }
      if (tokens.wants(length, () => 0.5)) tokens.learn(length, exact(text))
    }
  }
  return figures(later, (text) => taken.get(text) ?? 0)
}

function grouped(results: readonly Text[]): Map<string, Text[]> {
  const tools = new Map<string, Text[]>()
  for (const one of results) tools.set(one.tool, [...(tools.get(one.tool) ?? []), one])
  return tools
}
