// One run of a gateway with secrets and personal data in all that callers send and servers give: arguments, results, errors, messages, questions,
// files, headers, addresses, ids of runs and turns, reasons, names of clients, credentials of configuration, what a child says.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startReceiver } from '../doubles/otlp/receiver.ts'
import { Canaries } from '../peers/canaries.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { type Answer, modern } from '../peers/raw.ts'
import { type CallArrived, plainTool, type Scripted, scriptedStdio, startScripted, textResult } from '../peers/scripted.ts'

/** Without vowels: by chance it would be a word that stands for a secret in documentation. */
const letters = (length: number): string =>
  [...randomBytes(length)].map((byte) => 'bcdfghjkmnpqrtvwzBCDFGHJKMNPQRTVWZ23456789'[byte % 42]).join('')
/** Known by its form. */
const formed = (): string => `ghp_${letters(36)}`
/** Known by nothing: nobody may write down what it stands in. */
const plain = (): string => `canary-${letters(24)}`
/** Somebody's address. */
const address = (): string => `${letters(14)}@mail.example.org`
/** Of a form that configuration names. */
const customer = (): string => `CUST-${letters(20)}`

export interface SeededRun {
  readonly gateway: GatewayProcess
  readonly canaries: Canaries
  /** Configuration of the gateway. */
  readonly file: string
  readonly folder: string
  readonly stateDir: string
  /** What a collector was told, as text. */
  readonly spans: () => string
  /** Where secrets belong: what callers were answered, what the server was sent, what it gave, and what callers sent. */
  readonly places: () => Readonly<Record<string, string>>
  readonly refused: readonly Answer[]
  readonly read: Answer
  /** How many were given by servers. */
  readonly given: number
  close(): Promise<void>
}

export async function seededRun(): Promise<SeededRun> {
  const open: (() => Promise<void>)[] = []
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-secrets-'))
  open.push(async () => rmSync(folder, { recursive: true, force: true }))
  const canaries = new Canaries()
  const given: string[] = []
  /** One that a server gives; `at`: who else may have it. */
  const seed = (name: string, value = formed(), ...at: string[]): string => {
    given.push(value)
    return canaries.plant(name, value, 'given', ...at)
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
      const row = {
        note: seed('a token in a result'),
        password: seed('a password in a result', `${letters(10)}7x`),
        to: seed('an address in a result', address(), 'answers'),
      }
      answer({ content: [{ type: 'text', text: JSON.stringify([row]) }], structuredContent: { rows: [row] } })
    },
    fails: ({ fail }) => fail(-32_000, `the key ${seed('a token in an error')} is not known`),
    refuses: ({ answer }) =>
      answer({ ...textResult(`401 Unauthorized: invalid access token ${seed('a token in a refusal')}`), isError: true }),
    knowsNobody: ({ fail }) =>
      fail(
        -32_001,
        `nobody is ${seed('an address in an error', address(), 'answers')} of ${seed('a customer in an error', customer(), 'answers')}`,
      ),
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
  const up: Scripted = await startScripted({
    era: 'modern',
    tools: Object.keys(give).map((name) => plainTool(name, { inputSchema: schema })),
    call: (arrived) => give[arrived.name]?.(arrived),
    read: () => `TOKEN=${seed('a token in a file')}`,
  })
  open.push(up.close)
  const collector = await startReceiver()
  open.push(collector.close)
  const stateDir = join(folder, 'state')
  /** Of configuration: it goes to the server alone. */
  const configured = (name: string, value: string): string => canaries.plant(name, value, 'up')
  const walled = `${letters(16)}7`
  const key = configured('a credential of configuration', plain())
  const config = {
    stateDir,
    log: { level: 'trace', format: 'json' },
    limits: { resultBytes: 65_536 },
    telemetry: { otlp: { endpoint: collector.url }, sample: 1 },
    redact: { keys: ['client-version'], patterns: ['CUST-[A-Za-z0-9]+'] },
    access: [{ name: 'all', use: ['*'] }],
    alerts: {
      webhook: {
        url: `${collector.url}/hook?key=${canaries.plant('a token in the address of a webhook', plain())}`,
        secret: canaries.plant('the secret of a webhook', plain()),
      },
      slack: `${collector.url}/services/${canaries.plant('the address of Slack', plain())}`,
    },
    servers: {
      up: { url: up.url, era: 'modern', headers: { 'X-Api-Key': key } },
      walled: { url: up.url.replace('//', `//app:${sent('a password in an address of configuration', walled, 'up')}@`), era: 'modern' },
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
    await modern(gateway.base, 'tools/call', { name: 'takes', arguments: { count: sent('a wrong argument', formed()) } }, { mount: '/up' }),
    await modern(gateway.base, 'tools/call', { name: 'takes', arguments: { list: [sent('a wrong element', formed())] } }, { mount: '/up' }),
  ]
  for (let again = 0; again < 30; again += 1) await call('takes', { token: sent(`an argument that comes again ${again}`, plain(), 'up') })
  const uri = `https://files.example/a?access_token=${sent('a token in an address', `${letters(24)}7q`, 'up')}`
  const read = await modern(gateway.base, 'resources/read', { uri }, { mount: '/up' })
  const person = `https://files.example/${sent('an address in a URI', address(), 'up', 'answers')}/${sent('a customer in a URI', customer(), 'up', 'answers')}`
  await ask('resources/read', { uri: person })
  const card = {
    to: sent('an address in an argument', address(), 'up'),
    card_number: sent('a card in an argument', '4012888888881881', 'up'),
  }
  await call('takes', card)
  await call('knowsNobody', card)
  const why = `to write to ${sent('an address in a reason', address(), 'up')} of ${sent('a customer in a reason', customer(), 'up')}`
  await call('takes', {}, '/up', { 'signalbox.dev/why': `${why} with ${sent('a token of no form in a reason', letters(40), 'up')}` })
  await call('takes', {}, '/up', { 'signalbox.dev/run': sent('a token as the id of a run', formed()) })
  await call('takes', {}, '/up', { 'signalbox.dev/turn': sent('a token as the id of a turn', formed()) })
  // What the gateway itself holds is known in whatever it stands, of whatever form it is.
  for (const known of [key, walled]) {
    await call('takes', { note: `use ${known}, or ${encodeURIComponent(known)}`, list_of: { deep: [known] } })
    await call('takes', {}, '/up', { 'signalbox.dev/why': `as ${known} says` })
    await call('takes', {}, '/up', { 'signalbox.dev/run': known, 'signalbox.dev/turn': `turn-${known}` })
  }
  const info = { name: `agent ${sent('a token in the name of a client', formed())}`, version: '1.2.3' }
  await call('takes', {}, '/up', { 'io.modelcontextprotocol/clientInfo': info })
  const headers = {
    cookie: `session=${sent('a cookie', plain())}`,
    'x-private-note': sent('a header', plain()),
    'proxy-authorization': `Bearer ${sent('a credential for a proxy', plain())}`,
    'signalbox-run': sent('a token as the id of a run in a header', formed()),
    baggage: `run.id=${sent('a token as the id of a run in baggage', formed())}`,
  }
  await modern(gateway.base, 'tools/call', { name: 'takes', arguments: {} }, { mount: '/up', headers })
  await modern(
    gateway.base,
    'tools/call',
    { name: 'takes', arguments: {} },
    { mount: '/up', headers: { authorization: `Bearer ${sent('a credential that nobody asked for', plain())}` } },
  )
  await modern(gateway.base, 'tools/call', { name: sent('a token as the name of a tool', formed()), arguments: {} }, { mount: '/up' })
  await call('takes', {}, '/walled')
  await call('look', {}, '/child')
  const places = () => ({
    answers: answers.join('\n'),
    up: JSON.stringify(up.seen),
    given: given.join('\n'),
    asked: asked.join('\n'),
  })
  const close = async (): Promise<void> => {
    for (const one of open.splice(0).reverse()) await one()
  }
  const spans = (): string => JSON.stringify(collector.spans(), (_key, value) => (typeof value === 'bigint' ? String(value) : value))
  return { gateway, canaries, file, folder, stateDir, spans, places, refused, read, given: given.length, close }
}
