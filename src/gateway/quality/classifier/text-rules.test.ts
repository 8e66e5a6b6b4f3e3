import { describe, expect, it } from 'vitest'
import { type Case, look, said } from '../../../../test/doubles/looked.ts'
import { isPayloadName } from './classify.ts'

const text = (words: string, of?: Case) => look(said(words), of)

describe('a page or XML that is an error', () => {
  it.each([
    ['<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>x</body></html>', 'error_page'],
    ['<html>\n<head><title>Just a moment...</title>', 'error_page'],
    ['<html><head><title>Sign in - Example</title></head>', 'error_page'],
    ['<html><body><h1>Service Unavailable</h1></body></html>', 'error_page'],
    ['<?xml version="1.0"?>\n<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>', 'xml_error'],
    ['<soap:Envelope><soap:Body><soap:Fault><faultstring>db</faultstring></soap:Fault></soap:Body></soap:Envelope>', 'xml_error'],
  ])('%s', (words, rule) => {
    expect(text(words, { tool: 'fetch_page' })).toMatchObject({ kind: 'hidden_error', rule, weak: false, format: 'markup' })
  })

  it.each([
    '<html><head><title>How to mend a 502 Bad Gateway</title></head>',
    '<html><head><title>The history of the sign in page</title></head>',
    '<?xml version="1.0"?><errorsReport><Error/></errorsReport>',
    '<rss><channel><title>Error</title></channel></rss>',
  ])('is not: %s', (words) => {
    expect(text(words, { tool: 'fetch_page' }).kind).toBe('ok')
  })
})

describe('a table', () => {
  it('of a header alone is empty', () => {
    expect(text('| id | name |\n|----|------|\n')).toMatchObject({ kind: 'empty', rule: 'header_only', format: 'table' })
    expect(text('| id | name |\n|----|------|\n| 1 | a |\n').kind).toBe('ok')
  })

  it('of values with commas is known to be one by the history alone', () => {
    expect(text('id,name,email\n', { learned: 'csv' })).toMatchObject({ kind: 'empty', rule: 'header_only' })
    expect(text('Ghent, Belgium').kind).toBe('ok')
    expect(text('id,name,email\n').kind).toBe('ok')
  })

  it('whose last row is short is cut', () => {
    const rows = '| id | name |\n|----|------|\n| 1 | a |\n| 2 | b |\n| 3 | c |\n'
    expect(text(`${rows}| 4 | d`)).toMatchObject({ kind: 'truncated', rule: 'row_cut' })
    expect(text(`${rows}| 4 | d |`).kind).toBe('ok')
    expect(text(`${rows}\nFour rows.`).kind).toBe('ok')
    // After a longer one.
    text(rows.repeat(3))
    expect(text(rows).kind).toBe('ok')
    expect(text('id,name,city\n1,a,b\n2,c,d\n3,e')).toMatchObject({ kind: 'truncated', rule: 'row_cut' })
    expect(text('id,name,city\n1,a,b\n2,c,d\n3,e\n').kind).toBe('ok')
  })
})

describe('a text that says that nothing was found', () => {
  it.each([
    ['en', 'No results found.'],
    ['en', 'No results found for "blue shoes" in the catalog'],
    ['en', 'Found 0 records'],
    ['en', '(0 rows)'],
    ['en', 'User not found'],
    ['en', 'No matching entities were found'],
    ['en', 'null'],
    ['en', 'There are no open tickets.'],
    ['de', 'Keine Ergebnisse gefunden.'],
    ['fr', 'Aucun résultat trouvé.'],
    ['es', 'No se encontraron resultados.'],
    ['pt', 'Nenhum resultado encontrado'],
    ['it', 'Nessun risultato trovato.'],
    ['nl', 'Geen resultaten gevonden.'],
    ['pl', 'Nie znaleziono wyników.'],
    ['ru', 'Ничего не найдено.'],
    ['zh', '没有找到相关结果。'],
    ['ja', '該当するデータが見つかりませんでした。'],
    ['ko', '검색 결과가 없습니다.'],
    ['tr', 'Sonuç bulunamadı.'],
    ['ar', 'لا توجد نتائج'],
  ])('%s: %s', (_, words) => {
    expect(text(words)).toMatchObject({ kind: 'empty', rule: 'no_results' })
  })

  it.each([
    'No errors found.',
    '0 errors, 0 warnings',
    'No vulnerabilities found',
    'The results were found in the second drawer',
    'No results were found in the first pass, so the second pass looked at all of the archive and found 41 letters, of which 3 are signed by the author himself.',
    'Nobody knows',
    'Done.',
    'Deleted 3 rows',
    'Notes: call Anna',
    '1 row',
  ])('is not: %s', (words) => {
    expect(text(words).kind).toBe('ok')
  })
})

describe('what a library says of a failed call', () => {
  it.each([
    'MCP error -32603: Internal error',
    'Error: MCP error -32001: Request timed out',
    'McpError: -32602 Invalid params',
    '[object Object]',
    'Error executing tool query: connection refused',
    'Unknown tool: query',
  ])('%s', (words) => {
    // Of a payload tool too.
    expect(text(words, { tool: 'read_page' })).toMatchObject({ kind: 'hidden_error', weak: false })
  })

  it('is not what is said about it', () => {
    expect(text('The MCP error codes are listed in the specification').kind).toBe('ok')
  })
})

describe('the beginning of a stack', () => {
  it.each([
    'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: x',
    'panic: runtime error: index out of range',
    'java.lang.NullPointerException: name\n\tat a.b.C(C.java:4)',
    'Exception in thread "main" java.lang.Error',
    'psycopg2.OperationalError: could not connect to server',
  ])('%s', (words) => {
    expect(text(words)).toMatchObject({ kind: 'hidden_error', rule: 'stack', weak: false })
    expect(text(words, { tool: 'tail_log' }).kind).toBe('ok')
    expect(text(words, { tool: 'tail_log', learned: 'prose', usuallyAtLeast: 4_000 }).kind).toBe('hidden_error')
  })
})

describe('prose that begins as an error', () => {
  it.each([
    'Error: connection to the database failed',
    'Failed to fetch customers',
    'Unable to reach the server',
    "Sorry, I couldn't retrieve the weather",
    'Something went wrong',
    'TimeoutError: 30000 ms exceeded',
    'Request failed with status code 503',
    'The service is currently unavailable',
    '503 Service Unavailable',
    'Access denied',
    'Fehler beim Laden der Daten',
    'Erreur lors de la requête',
    'No se pudo conectar con la base',
    'Não foi possível carregar',
    'Impossibile caricare i dati',
    'Er is een fout opgetreden',
    'Nie udało się połączyć',
    'Не удалось загрузить данные',
    'Помилка сервера',
    'Došlo k chybě serveru',
    'Hiba történt a lekérdezés közben',
    'A apărut o eroare',
    'Det gick inte att hämta',
    'Der opstod en fejl',
    'Det oppstod en feil',
    'Tapahtui virhe haussa',
    'Bir hata oluştu',
    'Παρουσιάστηκε σφάλμα',
    'Възникна грешка',
    '请求失败，请稍后再试',
    'エラーが発生しました',
    '오류가 발생했습니다',
    'حدث خطأ في الخادم',
    'אירעה שגיאה',
    'خطا در اتصال',
    'त्रुटि हुई',
    'Đã xảy ra lỗi',
    'เกิดข้อผิดพลาด',
    'Terjadi kesalahan',
  ])('%s', (words) => {
    expect(text(words)).toMatchObject({ kind: 'hidden_error', weak: true, excerpt: words })
    expect(text(words, { tool: 'read_file' }).kind).toBe('ok')
  })

  it.each([
    'Error handling is described in chapter 4.',
    'Error codes: 4 and 5',
    'Error budget: 43 minutes left this month',
    'Error: none',
    'Errors: 0',
    'Read timeout: 30',
    'The lock timeout is configured as 30 s for all pools.',
    'He exited with a smile.',
    'The court session expired in May as planned by law.',
    'An unexpected token of friendship.',
    'Healthy upstream waters',
    'Timeout: 30s',
    'Invalid login attempts: 5',
    'Failed logins: 3',
    'Sales grew by four percent',
    '2026-11-30 10:00:01 Error: x',
    'level=error msg="Error: x"',
    'src/a.ts:14: Error: x',
    '# Error: what it means',
    '- Error: x',
    '[ERROR] [main] Failed to start',
  ])('is not: %s', (words) => {
    expect(text(words).kind).toBe('ok')
  })

  it('is not what the caller asked about, nor a long text', () => {
    expect(text('Failed to fetch: it is thrown by the browser', { args: { q: 'failed to fetch' } }).kind).toBe('ok')
    expect(text(`Error: ${'and so it went on. '.repeat(20)}`).kind).toBe('ok')
    expect(text(`Error: ${'and so it went on. '.repeat(20)}`, { learned: 'json' }).kind).toBe('hidden_error')
  })
})

describe('a phrase of failure within the first words', () => {
  it.each([
    'The pool was full, says the store',
    'Now: connection pool',
    'The context deadline exceeded',
    'dial tcp 10.1.2.3:5432: i/o timeout',
    'no healthy upstream',
    'read: unexpected EOF',
    'Worker terminated unexpectedly',
    'Command exited with non-zero status 1',
    'x509: certificate signed by unknown authority',
    'HTTP 503: backend fetch failed',
    'The session has expired. Please log in again.',
    'The database returned status 503',
    'Le service dit: connexion impossible',
    'The db said tiempo de espera agotado',
  ])('whatever letters it has: %s', (words) => {
    expect(text(words)).toMatchObject({ kind: 'hidden_error', rule: 'failure_phrase' })
  })

  it.each([
    'The connection pool is exhausted',
    'Query on orders timed out after 30 s',
    'Orders could not be retrieved',
    'Host db: connection refused',
    'Die Daten konnten nicht abgerufen werden',
    'La base est indisponible',
    'El servidor no responde',
    'O banco: conexão recusada',
    'Il servizio non risponde',
    'De server is niet bereikbaar',
    'Serwer: przekroczono limit czasu',
    'Сервер временно недоступен',
    '数据库连接超时',
    'サーバーへの接続が拒否されました',
    '서버 연결이 거부되었습니다',
    'Sunucu: bağlantı reddedildi',
    'db: ECONNREFUSED 10.0.0.4:5432',
    'db: ORA-00942',
  ])('%s', (words) => {
    expect(text(words)).toMatchObject({ kind: 'hidden_error', weak: true })
  })

  it.each([
    'All is well, no connection refused in the last hour',
    'This release fixes connection reset under load',
    '"Connection refused" means that nothing listens on the port',
    'The meeting room is free from two to four',
    'The door was closed at noon',
  ])('is not: %s', (words) => {
    expect(text(words).kind).toBe('ok')
  })
})

it('tools whose words are those of others are known by the words of their names', () => {
  for (const name of ['read_file', 'readFile', 'tail-logs', 'fetch', 'http_get', 'get_page', 'runTests', 'echo', 'search_errors'])
    expect(isPayloadName(name)).toBe(true)
  for (const name of ['query_database', 'catalog_search', 'list_tasks', 'get_blogs', 'profile']) expect(isPayloadName(name)).toBe(false)
})
