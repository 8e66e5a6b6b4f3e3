import { describe, expect, it } from 'vitest'
import { parsePostgresUrl, passwordsIn, shownAddress } from './address.ts'

const whole = { host: 'db.example', port: 5433, database: 'store', user: 'gate', password: 'p@ss word', sslMode: 'verify-full' }

describe('the address of a database', () => {
  it.each([
    ['postgres://gate:p%40ss%20word@db.example:5433/store', whole],
    ['postgresql://gate:p%40ss%20word@db.example:5433/store?sslmode=verify-full', whole],
    ['postgres://gate@db.example/store?sslmode=require', { ...whole, port: 5432, password: '', sslMode: 'require' }],
    ['postgres://gate:x@db.example/store?sslmode=verify-ca&sslrootcert=/etc/ca.pem', { sslMode: 'verify-ca', sslRootCert: '/etc/ca.pem' }],
    ['postgres://gate:x@127.0.0.1/store', { host: '127.0.0.1', sslMode: 'disable' }],
    ['postgres://gate:x@[::1]:5432/store', { host: '::1', sslMode: 'disable' }],
    ['postgres://gate:x@[fd00::1]/store', { host: 'fd00::1', sslMode: 'verify-full' }],
  ])('%s', (text, expected) => {
    expect(parsePostgresUrl(text)).toMatchObject(expected)
  })

  it.each([
    ['postgres://gate:p@ss/word@db/store', /is no address|names no/],
    ['postgres://gate:secret#1@db/store', /is no address|names no/],
    ['postgres://gate:%zz@db/store', /% that stands for no character/],
    ['postgres://db/store', /names no user/],
    ['postgres://gate@db', /names no database/],
    ['postgres://gate@db/store/more', /names no database/],
    ['postgres:///store?host=/run/postgresql', /names no user|names no host/],
    ['postgres://gate@db/store?sslmode=prefer', /unknown sslmode; known are disable, require, verify-ca, verify-full/],
    ['postgres://gate@db/store?options=-csearch_path', /parameter "options"; known are sslmode and sslrootcert/],
    ['postgres://gate@db/store?sslmode=disable&sslrootcert=/ca.pem', /leave one of them out/],
    ['postgres://gate@db/store?sslrootcert=', /empty sslrootcert/],
    ['postgres://gate@db/store#x', /write one of user or password as %23/],
    ['mysql://gate@db/store', /names no PostgreSQL/],
  ])('%s is none, and it is said why without it', (text, expected) => {
    const wrong = parsePostgresUrl(text)
    expect(wrong).toMatch(expected)
    expect(wrong).not.toMatch(/secret|gate@|ss\/word/)
  })

  it('is shown without who comes to it', () => {
    const address = parsePostgresUrl('postgres://gate:secret@[fd00::1]/store')
    if (typeof address === 'string') throw new Error(address)
    expect(shownAddress(address)).toBe('postgres://[fd00::1]:5432/store')
  })

  it('tells every form of its password', () => {
    expect(passwordsIn('postgres://gate:p%40ss word@db/store')).toEqual(['p@ss word', 'p%40ss%20word', 'p%40ss word'])
    expect(passwordsIn('postgres://gate@db/store')).toEqual([])
  })
})
