import { describe, expect, it } from 'vitest'
import { parseSchema } from './parse-schema.ts'
import { schemaFromJson } from './schema-json.ts'
import { schemaToText } from './schema-to-text.ts'

function textOf(json: unknown): string {
  const read = schemaFromJson(JSON.stringify(json))
  if (!read.ok) throw new Error(JSON.stringify(read.errors))
  const text = schemaToText(read.value)
  return text.ok ? text.value : text.errors.map(({ message }) => message).join('\n')
}

describe('a schema as text', () => {
  it('is laid out by namespace and kind, and stays as it is', () => {
    const text = `@doc("shop")
namespace Shop {
  type Size = { width: Long };
  entity User, Guest in Group = { name: String, @since("2\\n") "e mail"?: Set<{ kind: __cedar::Long }>, none: {} } tags Set<String>;
  action read, "write it" in [all, Other::Action::"any"] appliesTo { principal: User, resource: [User, Guest], context: Size };
  action all; entity Colour enum ["red", "a\\"b"];
}
entity Group; namespace Empty {}`
    const expected = `@doc("shop")
namespace Shop {
  type Size = {
    width: Long,
  };

  entity User in Group = {
    name: String,
    @since("2\\n")
    "e mail"?: Set<{
      kind: __cedar::Long,
    }>,
    none: {},
  } tags Set<String>;

  entity Guest in Group = {
    name: String,
    @since("2\\n")
    "e mail"?: Set<{
      kind: __cedar::Long,
    }>,
    none: {},
  } tags Set<String>;

  entity Colour enum ["red", "a\\"b"];

  action read in [all, Other::Action::"any"] appliesTo {
    principal: User,
    resource: [User, Guest],
    context: Size,
  };

  action "write it" in [all, Other::Action::"any"] appliesTo {
    principal: User,
    resource: [User, Guest],
    context: Size,
  };

  action all;
}

entity Group;

namespace Empty {}
`
    for (const source of [text, expected]) {
      const parsed = parseSchema(source)
      expect(parsed.ok && schemaToText(parsed.value)).toEqual({ ok: true, value: expected })
    }
  })

  it('writes in full what a short name would not say', () => {
    const attributes = {
      a: { type: 'Long' },
      b: { type: 'String' },
      c: { type: 'ipaddr' },
      d: { type: 'Entity', name: 'String' },
    }
    const shape = { type: 'Record', attributes }
    expect(textOf({ N: { entityTypes: { String: {}, ipaddr: {}, U: { shape } }, actions: {} } })).toContain(`{
    a: Long,
    b: __cedar::String,
    c: __cedar::ipaddr,
    d: String,
  }`)
  })

  it('writes out attributes that are a common type', () => {
    const record = { type: 'Record', attributes: { t: { type: 'T' }, u: { type: 'Entity', name: 'U' } } }
    const json = {
      M: { commonTypes: { T: { type: 'Long' }, R: record }, entityTypes: { U: {} }, actions: {} },
      N: { commonTypes: { S: { type: 'M::R' } }, entityTypes: { V: { shape: { type: 'S' } } }, actions: {} },
    }
    expect(textOf(json)).toContain(`  entity V = {
    t: M::T,
    u: M::U,
  };`)
  })

  it('is an error where the syntax cannot say it', () => {
    const shape = { type: 'Record', attributes: { a: { type: 'Entity', name: 'A' } } }
    expect(
      textOf({
        '': { commonTypes: { A: { type: 'Long' } }, entityTypes: { A: {}, B: { shape } }, actions: {} },
      }),
    ).toBe('as text, A would stand for another type of the same name')
    const common = { A: { type: 'B' }, B: { type: 'A' } }
    expect(
      textOf({ '': { commonTypes: common, entityTypes: { U: { shape: { type: 'A' } } }, actions: {} } }),
    ).toBe('as text, the attributes of an entity type have to be written out')
  })
})
