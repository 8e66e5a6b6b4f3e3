import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { otlpSettings } from '../settings.ts'
import { readResource } from './resource.ts'
import { retryInfoIn } from './retry-info.ts'
import { readTarget } from './target.ts'

const of = (settings: Record<string, unknown> | undefined, env: Record<string, string> = {}) =>
  readTarget('traces', settings === undefined ? undefined : otlpSettings.parse(settings), env)
const url = (...args: Parameters<typeof of>) => of(...args).target?.url.href

describe('where traces go', () => {
  it.each([
    [{ endpoint: 'http://a:4318' }, {}, 'http://a:4318/v1/traces'],
    [{ endpoint: 'http://a/otlp/' }, {}, 'http://a/otlp/v1/traces'],
    [{ endpoint: 'http://a:4317', protocol: 'grpc' }, {}, 'http://a:4317/'],
    [{ endpoint: 'http://a' }, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://b' }, 'http://a/v1/traces'],
    [undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://b:1' }, 'http://b:1/v1/traces'],
    [{ compression: 'none' }, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://b:1' }, 'http://b:1/v1/traces'],
    [undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://b', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/own' }, 'http://c/own'],
    [undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://b', OTEL_TRACES_EXPORTER: 'none' }, undefined],
    [undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://b', OTEL_SDK_DISABLED: 'true' }, undefined],
    [{ endpoint: 'http://a' }, { OTEL_SDK_DISABLED: 'true' }, 'http://a/v1/traces'],
    [undefined, {}, undefined],
    [undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, undefined],
  ] as [Record<string, unknown> | undefined, Record<string, string>, string | undefined][])('%j %j: %s', (settings, env, expected) => {
    expect(url(settings, env)).toBe(expected)
  })

  it('all else of it likewise', () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-otlp-'))
    const ca = join(folder, 'ca.pem')
    writeFileSync(ca, 'PEM')
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://b',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_HEADERS: 'X-Key=a%20b, other = c,,=bad',
      OTEL_EXPORTER_OTLP_TIMEOUT: '2500',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
      OTEL_EXPORTER_OTLP_CERTIFICATE: ca,
      OTEL_EXPORTER_OTLP_CLIENT_KEY: join(folder, 'missing.pem'),
    }
    const { target, unread } = of(undefined, env)
    rmSync(folder, { recursive: true, force: true })
    expect(target).toMatchObject({
      protocol: 'grpc',
      headers: { 'x-key': 'a b', other: 'c' },
      timeoutMs: 2_500,
      compression: 'none',
      tls: { ca: 'PEM', key: undefined },
    })
    expect(unread).toEqual(['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_CLIENT_KEY'])
    const own = { protocol: 'http/protobuf', headers: { A: '1' }, timeout: '1s', compression: 'gzip', ca: 'own' }
    expect(of(own, { ...env, OTEL_EXPORTER_OTLP_CLIENT_KEY: '' }).target).toMatchObject({
      protocol: 'http/protobuf',
      headers: { a: '1' },
      timeoutMs: 1_000,
      compression: 'gzip',
      tls: { ca: 'own' },
    })
  })

  it('what cannot be read is as absent, and named', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'b:4317',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'no address',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier/pigeon',
    }
    expect(of(undefined, env)).toEqual({
      target: undefined,
      unread: ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
    })
  })
})

it.each([
  [{}, { 'service.name': 'signalbox', 'service.version': '1', 'service.instance.id': 'i' }],
  [
    { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a%2Cb,service.name=c', OTEL_SERVICE_NAME: 'd' },
    { 'deployment.environment.name': 'a,b', 'service.name': 'd' },
  ],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=c' }, { 'service.name': 'c' }],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'a=%zz' }, { 'service.name': 'signalbox' }],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=x,broken' }, { 'service.name': 'signalbox' }],
])('who exports is named by %j', async (env, expected) => {
  const { attributes } = await readResource({ name: 'signalbox', version: '1' }, 'i', env)
  expect(attributes).toMatchObject(expected)
})

describe('when to come back, in the details of a gRPC status', () => {
  const field = (number: number, value: Buffer): Buffer => Buffer.concat([Buffer.from([number * 8 + 2, value.length]), value])
  const status = (type: string, duration: number[]): Buffer =>
    field(3, Buffer.concat([field(1, Buffer.from(type)), field(2, field(1, Buffer.from(duration)))]))
  const retry = 'type.googleapis.com/google.rpc.RetryInfo'
  it.each([
    [status(retry, [0x08, 0x05]), 5_000],
    [
      Buffer.concat([Buffer.from([0x08, 0x0e]), field(2, Buffer.from('busy')), status(retry, [0x08, 0x01, 0x10, 0x80, 0xc2, 0xd7, 0x2f])]),
      1_100,
    ],
    [status('type.googleapis.com/google.rpc.DebugInfo', [0x08, 0x05]), undefined],
    [status(retry, [0x08]), 0],
    [status(retry, []), 0],
    [Buffer.from([0xff, 0xff, 0xff]), undefined],
    [Buffer.alloc(0), undefined],
    [status(retry, [0x08, 0x05]).subarray(0, 20), undefined],
  ])('(%#)', (bytes, expected) => {
    expect(retryInfoIn(bytes)).toBe(expected)
  })
})
