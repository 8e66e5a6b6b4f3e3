import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import type { HeaderParam } from '../call/item.ts'
import { decodeHeaderValue, encodeHeaderValue, isToken, paramHeaders, paramMismatch, sameInteger } from './headers.ts'

describe('a value in a header', () => {
  it('stands as it is where it is plain', () => {
    for (const plain of ['get_weather', 'a b\tc', '~!"#', '=?base64?', '?=']) expect(encodeHeaderValue(plain)).toBe(plain)
  })

  it('is marked and encoded where it is not', () => {
    expect(encodeHeaderValue('Zürich')).toBe(`=?base64?${Buffer.from('Zürich').toString('base64')}?=`)
    for (const odd of ['', ' a', 'a ', '\ta', 'a\nb', 'a\u007f', '=?base64?YQ==?=', '日本']) {
      expect(encodeHeaderValue(odd)).toMatch(/^=\?base64\?[A-Za-z0-9+/=]*\?=$/)
    }
  })

  it('survives the way there and back, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const header = encodeHeaderValue(value)
        expect(header).toMatch(/^[\x20-\x7e\t]+$/)
        expect(decodeHeaderValue(header)).toBe(value)
      }),
    )
  })

  it('is read strictly: alphabet, padding, unused bits, UTF-8', () => {
    expect(decodeHeaderValue('  plain ')).toBe('plain')
    expect(decodeHeaderValue('=?base64?YQ==?=')).toBe('a')
    expect(decodeHeaderValue('=?base64??=')).toBe('')
    expect(decodeHeaderValue('=?BASE64?YQ==?=')).toBe('=?BASE64?YQ==?=')
    expect(decodeHeaderValue('=?base64?=')).toBe('=?base64?=')
    for (const bad of ['YQ', 'YQ=', 'Y Q==', 'YQ==YQ==', 'YR==', '-_8=', '/w==', 'YQ===', '7aCA']) {
      expect(decodeHeaderValue(`=?base64?${bad}?=`)).toBeUndefined()
    }
  })
})

describe('names and integers', () => {
  it('takes tokens only', () => {
    expect(isToken('Region-1')).toBe(true)
    for (const bad of ['', 'a b', 'a:b', 'é', 'a\n', '(a)']) expect(isToken(bad)).toBe(false)
  })

  it('compares integers by value, beyond 2^53 too', () => {
    expect(sameInteger('42', '42.0')).toBe(true)
    expect(sameInteger('-0', '0')).toBe(true)
    expect(sameInteger('9007199254740993', '9007199254740992')).toBe(false)
    for (const bad of ['42.5', '4e1', '0x2a', ' 42', '', '+42']) expect(sameInteger(bad, '42')).toBe(false)
  })
})

const params: HeaderParam[] = [
  { path: ['region'], header: 'mcp-param-region', type: 'string' },
  { path: ['page', 'size'], header: 'mcp-param-size', type: 'integer' },
  { path: ['dry'], header: 'mcp-param-dry', type: 'boolean' },
]

describe('headers that repeat arguments', () => {
  it('are made of what is there', () => {
    expect(paramHeaders(params, { region: 'Zürich', page: { size: 5 }, dry: false })).toEqual({
      'mcp-param-region': encodeHeaderValue('Zürich'),
      'mcp-param-size': '5',
      'mcp-param-dry': 'false',
    })
    expect(paramHeaders(params, { region: null, page: {}, dry: 'yes' })).toEqual({})
    expect(paramHeaders(params, undefined)).toEqual({})
    expect(paramHeaders([{ path: ['toString'], header: 'mcp-param-x', type: 'string' }], {})).toEqual({})
  })

  it('keep the digits of integers that a number cannot hold', () => {
    const raw = Buffer.from('{"page":{"size":1,"size":9007199254740993}}')
    expect(paramHeaders(params, JSON.parse(raw.toString()), raw)['mcp-param-size']).toBe('9007199254740993')
    expect(paramHeaders(params, { page: { size: 1e21 } })['mcp-param-size']).toBe('1000000000000000000000')
  })

  it('are compared with the arguments', () => {
    const [region, size] = params as [HeaderParam, HeaderParam]
    expect(paramMismatch(region, 'eu', { region: 'eu' })).toBeUndefined()
    expect(paramMismatch(region, ' =?base64?ZXU=?= ', { region: 'eu' })).toBeUndefined()
    expect(paramMismatch(size, '5.0', { page: { size: 5 } })).toBeUndefined()
    expect(paramMismatch(region, undefined, {})).toBeUndefined()
    expect(paramMismatch(region, 'EU', { region: 'eu' })).toContain('differs')
    expect(paramMismatch(region, undefined, { region: 'eu' })).toContain('missing')
    expect(paramMismatch(region, 'eu', { region: null })).toContain('not')
    expect(paramMismatch(region, '=?base64?ZXU?=', { region: 'eu' })).toContain('decodable')
    expect(paramMismatch(size, '05', { page: { size: 5 } })).toBeUndefined()
  })
})
