import { describe, expect, it } from 'vitest'
import { numbered } from './placeholders.ts'

describe('parameters of portable statements', () => {
  it.each([
    ['SELECT a FROM t WHERE b = ? AND c < ?', 'SELECT a FROM t WHERE b = $1 AND c < $2'],
    ['no parameters', 'no parameters'],
    ["a = '?' AND b = ?", "a = '?' AND b = $1"],
    ["a = 'it''s ?' AND b = ?", "a = 'it''s ?' AND b = $1"],
    [String.raw`a = '\' AND b = ?`, String.raw`a = '\' AND b = $1`],
    [String.raw`a = E'\'?' AND b = ?`, String.raw`a = E'\'?' AND b = $1`],
    ['"what?" = ? AND "a""?" = ?', '"what?" = $1 AND "a""?" = $2'],
    ['a = ? -- really?\nAND b = ?', 'a = $1 -- really?\nAND b = $2'],
    ['a /* ? /* ? */ ? */ = ?', 'a /* ? /* ? */ ? */ = $1'],
    ['a = $$?$$ AND b = $q$ ? $$ ? $q$ AND c = ?', 'a = $$?$$ AND b = $q$ ? $$ ? $q$ AND c = $1'],
    ["a = 'never closed ?", "a = 'never closed ?"],
    ['a /* never closed ?', 'a /* never closed ?'],
    ['a - ? / ? * ?', 'a - $1 / $2 * $3'],
  ])('%s', (sql, expected) => {
    expect(numbered(sql)).toBe(expected)
    expect(numbered(sql)).toBe(expected)
  })
})
