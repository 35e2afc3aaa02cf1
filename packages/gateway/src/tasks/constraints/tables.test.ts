import { describe, expect, test } from 'vitest'
import { compileTables } from './tables.ts'

function verdict(tables: unknown, sql: string): string | undefined {
  const compiled = compileTables(tables)
  if (!compiled.ok) throw new Error(compiled.error)
  return compiled.value(sql)
}

const PLAIN = ['notes', 'tags']

describe('tables', () => {
  test.each([
    'SELECT * FROM notes',
    'select n.id, count(*) from notes n join tags t on t.note = n.id group by n.id order by 2 desc limit 10;',
    "select title from notes where body like '%it''s; -- not /* a */ comment%'",
    "select * from notes where body = 'ünïcode ✓' and id in (select note from tags)",
    'with recent as (select * from notes where id > 5), x as (select id from recent) select * from recent join x using (id)',
    'with recursive up as (select id, parent from notes union all select n.id, n.parent from notes n join up on n.id = up.parent) select * from up',
    'select 1',
    'select * from notes where id = $1; select * from tags where id = ?',
    "select coalesce(max(length(title)), 0), date('now'), cast(id as integer) from notes",
    'select id, row_number() over (partition by title order by id) from notes union select 1, 2',
    'select "id" from "notes" where "title" is not null',
    'select case when id > 1 then title else null end from (select * from notes) as n',
  ])('let through %s', (sql) => {
    expect(verdict(PLAIN, sql)).toBeUndefined()
  })

  test.each([
    'select * from secret',
    'select * from notes, secret',
    'select * from notes join secret on true',
    'select (select password from secret) from notes',
    'select * from notes where id in (select id from secret)',
    'select * from notes union all select * from secret',
    'table secret',
    'with secret as (select * from secret) select * from secret',
    'with a as (select * from b), b as (select 1) select * from a',
    'select * from secret where exists (with secret as (select 1) select * from secret)',
    'select * from public.notes',
    'select * from main.secret',
    'select * from notes order by (select 1 from secret)',
    'select * from "Notes"',
    'select * from Notes',
    'select * from notes; drop table notes',
    'select * from notes; select * from secret',
    'insert into notes values (1)',
    'update notes set id = 1',
    'delete from notes',
    'with x as (delete from notes returning *) select * from x',
    'create table x (a int)',
    'select * into copied from notes',
    'copy notes to stdout',
    "attach 'x' as y",
    'pragma table_info(secret)',
    'set role admin',
    'begin',
    'explain select * from notes',
    'call f()',
    'do $$ begin end $$',
    'select * from notes for update',
    "select pg_read_file('/etc/passwd')",
    "select ('/etc/passwd'::text).pg_read_file",
    "select (select '/etc/passwd'::text).pg_read_file from notes",
    'select (cast(id as int)).pg_terminate_backend from notes',
    'select (notes).title from notes',
    "select load_extension('x')",
    "select load_file('/etc/passwd')",
    "select query_to_xml('select * from secret', true, true, '')",
    "select * from dblink('x', 'select 1') as t(a int)",
    "select * from pragma_table_info('secret')",
    "select 'secret'::regclass",
    'select current_user',
    'select @@version',
    'select 1 /*! union select * from secret */',
    'select 1 -- x\nfrom secret',
    'select 1 # from notes',
    "select 'a\\' from secret --'",
    'select $$a$$ from notes',
    "select E'a' from notes",
    "select u&'a' from notes",
    "select x'00' from notes",
    'select * from `notes`',
    'select * from [notes]',
    'select * from notes straight_join (secret)',
    'select * from only notes',
    "select position('a' in secret) from notes",
    'select * from notes tablesample system (1)',
    'select * from notes where x in secret',
    "select * from 'secret'",
    'select * fro notes',
    '',
    ';',
    `select ${'('.repeat(100)}1${')'.repeat(100)}`,
    `select ${'1+'.repeat(2000)}1`,
    'select "a"" from secret',
    'select 1 from notes\u00a0',
    'select 1\0',
    "select * from notes where a = 'x",
  ])('refuse %s', (sql) => {
    expect(verdict(PLAIN, sql)).toMatch(/^must /)
  })

  test('say which table it is about', () => {
    expect(verdict(PLAIN, 'select * from secret')).toBe(
      'must read no other tables than notes, tags, written so; it names secret',
    )
    expect(verdict(PLAIN, 'delete from notes')).toBe('must not change tables, such as notes')
  })

  test('may be changed where it says so, and read only where it says so too', () => {
    const tables = { read: ['notes'], write: ['tags'] }
    expect(
      verdict(tables, "insert into tags (id, name) select id, title from notes where title <> 'x'"),
    ).toBeUndefined()
    expect(verdict(tables, "update tags set name = 'x' where id = 1")).toBeUndefined()
    expect(verdict(tables, 'delete from tags where id in (select id from notes)')).toBeUndefined()
    expect(
      verdict(tables, 'insert into tags values (1) on conflict (id) do update set name = 2'),
    ).toBeUndefined()
    expect(verdict(tables, 'delete from tags returning *')).toMatch(/must read no other tables than notes/)
    expect(verdict(tables, 'select * from tags')).toMatch(/must read no other/)
    expect(verdict(tables, 'update notes set id = 1')).toMatch(/must change no other tables than tags/)
    expect(verdict(tables, 'insert into tags select * from secret')).toMatch(/it names secret/)
    expect(verdict(tables, 'update tags set name = s.a from secret s')).toMatch(/it names secret/)
    expect(verdict(tables, 'with tags as (select 1) delete from notes')).toMatch(/must change no other/)
    expect(verdict(tables, 'merge into tags using notes on true when matched then delete')).toMatch(/MERGE/)
    expect(verdict(tables, 'truncate tags')).toMatch(/TRUNCATE/)
  })

  test('are compared as the database compares them', () => {
    const named = (dialect: string, ...read: string[]) => ({ read, dialect })
    expect(verdict(named('postgresql', 'notes'), 'select * from NOTES')).toBeUndefined()
    expect(verdict(named('postgresql', 'notes'), 'select * from "NOTES"')).toMatch(/NOTES/)
    expect(verdict(named('postgresql', 'Notes'), 'select * from Notes')).toMatch(/Notes/)
    expect(verdict(named('postgresql', 'Notes'), 'select * from "Notes"')).toBeUndefined()
    expect(verdict(named('postgresql', 'app.notes'), 'select * from app.notes')).toBeUndefined()
    expect(verdict(named('postgresql', 'app.notes'), 'select * from notes')).toMatch(/it names notes/)
    expect(verdict(named('sqlite', 'notes'), 'select * from "NOTES", `Notes`')).toBeUndefined()
    expect(verdict(named('mysql', 'notes'), 'select * from `notes` where a = ?')).toBeUndefined()
    expect(verdict(named('mysql', 'notes'), 'select * from Notes')).toMatch(/it names Notes/)
    expect(verdict(named('mysql', 'notes'), 'with Secret as (select 1) select * from secret')).toMatch(
      /names secret/,
    )
    expect(verdict(named('mysql', 'notes'), 'select "a" from notes')).toMatch(/must quote names with `/)
    expect(verdict(PLAIN, 'with "Secret" as (select 1) select * from Secret')).toMatch(/names Secret/)
  })

  test.each([
    ['notes', /list of tables/],
    [[], /must name a table/],
    [['no*es'], /names "no\*es"/],
    [{ reads: ['notes'] }, /did you mean read/],
    [{ read: ['notes'], dialect: 'oracle' }, /there are postgresql, mysql, sqlite/],
    [{ read: 'notes' }, /lists of tables/],
  ])('%j is an error', (tables, message) => {
    const compiled = compileTables(tables)
    expect(compiled.ok ? '' : compiled.error).toMatch(message)
  })
})
