// One run of a gateway with secrets in all that callers send and servers give (arguments, results, errors, messages, questions, files, what a
// child says), and then a search for each of them in whatever the run left: answers, logs at trace level, metrics, pages of operators, the
// audit, the store.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { bytesIn, Canaries, type Places } from '../peers/canaries.ts'
import { startProcess } from '../peers/process.ts'
import { metric, modern, send } from '../peers/raw.ts'
import { type CallArrived, plainTool, scriptedStdio, startScripted, textResult } from '../peers/scripted.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const open: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** Without vowels: by chance it would be a word that stands for a secret in documentation. */
const letters = (length: number): string =>
  [...randomBytes(length)].map((byte) => 'bcdfghjkmnpqrtvwzBCDFGHJKMNPQRTVWZ23456789'[byte % 42]).join('')
/** Known by its form. */
const formed = (): string => `ghp_${letters(36)}`
/** Known by nothing: nobody may write down what it stands in. */
const plain = (): string => `canary-${letters(24)}`

promise(
  'R60',
  'no secret that callers send or servers give is found in what a run leaves, nor in answers where it is masked',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-secrets-'))
    open.push(async () => rmSync(folder, { recursive: true, force: true }))
    const canaries = new Canaries()
    const given: string[] = []
    /** One that a server gives, and nobody else may have. */
    const seed = (name: string, value = formed()): string => {
      given.push(value)
      return canaries.plant(name, value, 'given')
    }
    const asked: string[] = []
    /** One that a caller sends; `at`: who else gets it. */
    const sent = (name: string, value = plain(), ...at: string[]): string => {
      asked.push(value)
      return canaries.plant(name, value, 'asked', ...at)
    }

    const give: Readonly<Record<string, (arrived: CallArrived) => void>> = {
      takes: ({ answer }) => answer(textResult('taken')),
      gives: ({ answer }) => {
        const row = { note: seed('a token in a result'), password: seed('a password in a result', `${letters(10)}7x`) }
        answer({ content: [{ type: 'text', text: JSON.stringify([row]) }], structuredContent: { rows: [row] } })
      },
      fails: ({ fail }) => fail(-32_000, `the key ${seed('a token in an error')} is not known`),
      refuses: ({ answer }) =>
        answer({ ...textResult(`401 Unauthorized: invalid access token ${seed('a token in a refusal')}`), isError: true }),
      limits: ({ answer }) => answer({ ...textResult(`429 Too Many Requests for ${seed('a token in a limit')}`), isError: true }),
      breaks: ({ res }) =>
        void res
          .writeHead(500, { 'content-type': 'text/plain' })
          .end(`no database at postgres://app:${seed('a password in an address', letters(14))}@db.internal/x`),
      tells: ({ params, id, res }) => {
        const event = (body: object): string => `data: ${JSON.stringify({ jsonrpc: '2.0', ...body })}\n\n`
        const token = params._meta?.progressToken
        res.writeHead(200, { 'content-type': 'text/event-stream' })
        res.write(
          event({ method: 'notifications/progress', params: { progressToken: token, progress: 1, message: seed('a token in progress') } }),
        )
        res.write(event({ method: 'notifications/message', params: { level: 'error', data: { said: seed('a token in a message') } } }))
        res.end(event({ id, result: { resultType: 'complete', ...textResult('told') } }))
      },
      asks: ({ answer }) => {
        const params = { message: `use ${seed('a token in a question')}`, requestedSchema: { type: 'object', properties: {} } }
        answer({ resultType: 'input_required', inputRequests: { one: { method: 'elicitation/create', params } } })
      },
      floods: ({ answer }) => answer(textResult(`${'lorem ipsum '.repeat(6_000)}${seed('a token in a result that is too large')}`)),
    }
    const schema = { type: 'object', properties: { count: { type: 'integer' }, list: { type: 'array', items: { enum: ['a', 'b'] } } } }
    const up = await startScripted({
      era: 'modern',
      tools: Object.keys(give).map((name) => plainTool(name, { inputSchema: schema })),
      call: (arrived) => give[arrived.name]?.(arrived),
      read: () => `TOKEN=${seed('a token in a file')}`,
    })
    open.push(up.close)
    const config = {
      stateDir: join(folder, 'state'),
      log: { level: 'trace', format: 'json' },
      limits: { resultBytes: 65_536 },
      access: [{ name: 'all', use: ['*'] }],
      servers: {
        up: { url: up.url, era: 'modern' },
        child: {
          ...scriptedStdio(
            [plainTool('look')],
            `console.error('started with ' + process.env.SEEDED); say({ id, result: { content: [{ type: 'text', text: process.env.SEEDED }] } })`,
          ),
          env: { SEEDED: '${env:SEEDED}' },
        },
        dying: {
          command: process.execPath,
          args: ['-e', `console.error('no access with ${seed('a token in last words')}'); process.exit(1)`],
        },
      },
      tools: { '*': { secrets: 'mask' } },
    }
    const file = join(folder, 'signalbox.yaml')
    writeFileSync(file, JSON.stringify(config))
    const gateway = await startProcess(config, { SEEDED: seed('a variable of the environment') })
    open.push(async () => void gateway.child.kill('SIGKILL'))

    const answers: string[] = []
    const ask = async (method: string, params: Record<string, unknown>, mount = '/up') => {
      const meta = { progressToken: 1, 'io.modelcontextprotocol/logLevel': 'debug', ...(params._meta as object | undefined) }
      const answer = await modern(gateway.base, method, { ...params, _meta: meta }, { mount, capabilities: { elicitation: { form: {} } } })
      answers.push(answer.text, JSON.stringify(answer.headers))
      return answer
    }
    const call = (name: string, args: unknown = {}, mount = '/up', meta = {}) =>
      ask('tools/call', { name, arguments: args, _meta: meta }, mount)
    for (const name of Object.keys(give)) await call(name)
    await call('takes', { token: sent('an argument', plain(), 'up') })
    // Given the type of its schema.
    await call('takes', { count: '7', secret: sent('an argument beside one that is coerced', plain(), 'up') })
    await call('takes', {}, '/up', { 'signalbox.dev/why': `to use ${sent('a token in a reason', formed(), 'up')}` })
    // Quoted to whoever sent it, and to nobody else.
    const refused = [
      await modern(gateway.base, 'tools/call', { name: 'takes', arguments: { count: sent('a wrong argument') } }, { mount: '/up' }),
      await modern(gateway.base, 'tools/call', { name: 'takes', arguments: { list: [sent('a wrong element')] } }, { mount: '/up' }),
    ]
    for (const { message } of refused) expect(JSON.stringify(message)).toContain('invalid_arguments')
    for (let again = 0; again < 30; again += 1) await call('takes', { token: sent(`an argument that comes again ${again}`, plain(), 'up') })
    const uri = `https://files.example/a?access_token=${sent('a token in an address', `${letters(24)}7q`, 'up')}`
    const read = await modern(gateway.base, 'resources/read', { uri }, { mount: '/up' })
    expect(read.message.result.contents).toEqual([{ uri, text: 'TOKEN=[secret masked: github_token]' }])
    await call('look', {}, '/child')
    const pages = ['/metrics', '/admin/v1/upstreams', '/admin/v1/stores', '/admin/v1/clients', '/admin/v1/tools']
    const told = await Promise.all(pages.map(async (page) => (await send(`${gateway.admin}${page}`, 'GET', undefined)).text))
    const masked = [...(await metric(gateway.admin, 'signalbox_masked_total'))]
    const running = bytesIn(join(folder, 'state'))
    await gateway.end('SIGTERM')
    const audit = await new Promise<string>((resolve) => {
      const args = ['audit', 'query', '--json', '--most', '10000', '--config', file]
      execFile(process.execPath, [join(root, 'dist', 'main.js'), ...args], { cwd: folder }, (_error, out, err) => resolve(out + err))
    })
    const places: Places = {
      answers: answers.join('\n'),
      log: gateway.log(),
      told: told.join('\n'),
      audit,
      'the store, running': running,
      'the store, ended': bytesIn(join(folder, 'state')),
      up: JSON.stringify(up.seen),
      given: given.join('\n'),
      asked: asked.join('\n'),
    }
    expect(audit).toContain('"about":"content"')
    expect(masked.map(([labels]) => labels)).toEqual(
      expect.arrayContaining([
        'upstream="up",rule="github_token"',
        'upstream="up",rule="named_secret"',
        'upstream="child",rule="github_token"',
      ]),
    )
    expect(places.log).toContain('[secret masked: github_token]')
    expect(canaries.unused(places)).toEqual([])
    expect(canaries.strays(places)).toEqual([])
    expect(given.length).toBeGreaterThanOrEqual(Object.keys(give).length)
  },
  120_000,
)
