/**
 * The statements that are understood, as PostgreSQL's own parser gives them: each kind of node with the members that may
 * be there. What is not listed is refused, so a construct that reads or does more cannot slip through unknown.
 */

/** What a member holds: nothing to look at, nodes each under the name of its kind, or one node of a kind. */
export type Holds = 'plain' | 'nodes' | { readonly of: string }

const nodes = (members: string): Readonly<Record<string, Holds>> => members_(members, 'nodes')
const plain = (members: string): Readonly<Record<string, Holds>> => members_(`${members} location`, 'plain')

function members_(members: string, holds: Holds): Readonly<Record<string, Holds>> {
  return Object.fromEntries(members.split(' ').map((member) => [member, holds]))
}

const changes = {
  relation: { of: 'RangeVar' },
  withClause: { of: 'WithClause' },
  returningClause: { of: 'ReturningClause' },
} as const

export const SYNTAX: Readonly<Record<string, Readonly<Record<string, Holds>>>> = {
  SelectStmt: {
    ...nodes('distinctClause targetList fromClause whereClause groupClause havingClause windowClause'),
    ...nodes('valuesLists sortClause limitOffset limitCount'),
    ...plain('groupDistinct limitOption op all'),
    withClause: { of: 'WithClause' },
    larg: { of: 'SelectStmt' },
    rarg: { of: 'SelectStmt' },
  },
  InsertStmt: {
    ...changes,
    ...nodes('cols selectStmt'),
    ...plain('override'),
    onConflictClause: { of: 'OnConflictClause' },
  },
  UpdateStmt: { ...changes, ...nodes('targetList whereClause fromClause') },
  DeleteStmt: { ...changes, ...nodes('usingClause whereClause') },
  ReturningClause: nodes('exprs'),
  OnConflictClause: { ...nodes('targetList whereClause'), ...plain('action'), infer: { of: 'InferClause' } },
  InferClause: { ...nodes('indexElems whereClause'), ...plain('') },
  IndexElem: { ...nodes('expr'), ...plain('name ordering nulls_ordering') },
  WithClause: { ...nodes('ctes'), ...plain('recursive') },
  CommonTableExpr: { ...nodes('aliascolnames ctequery'), ...plain('ctename ctematerialized') },
  RangeVar: { ...plain('catalogname schemaname relname inh relpersistence'), alias: { of: 'Alias' } },
  RangeSubselect: { ...nodes('subquery'), ...plain('lateral'), alias: { of: 'Alias' } },
  JoinExpr: { ...nodes('larg rarg usingClause quals'), ...plain('jointype isNatural rtindex') },
  Alias: { ...nodes('colnames'), ...plain('aliasname') },
  ResTarget: { ...nodes('val indirection'), ...plain('name') },
  ColumnRef: { ...nodes('fields'), ...plain('') },
  A_Star: {},
  A_Const: plain('ival fval boolval sval isnull'),
  A_Expr: { ...nodes('name lexpr rexpr'), ...plain('kind rexpr_list_start rexpr_list_end') },
  BoolExpr: { ...nodes('args'), ...plain('boolop') },
  NullTest: { ...nodes('arg'), ...plain('nulltesttype') },
  BooleanTest: { ...nodes('arg'), ...plain('booltesttype') },
  CaseExpr: { ...nodes('arg args defresult'), ...plain('') },
  CaseWhen: { ...nodes('expr result'), ...plain('') },
  CoalesceExpr: { ...nodes('args'), ...plain('') },
  MinMaxExpr: { ...nodes('args'), ...plain('op') },
  FuncCall: {
    ...nodes('funcname args agg_order agg_filter'),
    ...plain('agg_within_group agg_star agg_distinct funcformat'),
    over: { of: 'WindowDef' },
  },
  WindowDef: {
    ...nodes('partitionClause orderClause startOffset endOffset'),
    ...plain('name refname frameOptions'),
  },
  SortBy: { ...nodes('node'), ...plain('sortby_dir sortby_nulls') },
  GroupingSet: { ...nodes('content'), ...plain('kind') },
  GroupingFunc: { ...nodes('args'), ...plain('') },
  SubLink: { ...nodes('testexpr operName subselect'), ...plain('subLinkType') },
  TypeCast: { ...nodes('arg'), ...plain(''), typeName: { of: 'TypeName' } },
  TypeName: { ...nodes('names typmods'), ...plain('typemod') },
  CollateClause: { ...nodes('arg collname'), ...plain('') },
  SQLValueFunction: plain('op typmod'),
  RowExpr: { ...nodes('args'), ...plain('row_format') },
  MultiAssignRef: { ...nodes('source'), ...plain('colno ncolumns') },
  SetToDefault: plain(''),
  ParamRef: plain('number'),
  List: nodes('items'),
  String: plain('sval'),
}

const words = (...lists: readonly string[]): ReadonlySet<string> => new Set(lists.join(' ').split(' '))

/** Functions that compute from what they are given, in one of the databases at least. */
export const FUNCTIONS = words(
  'count sum avg min max total bool_and bool_or every string_agg group_concat array_agg',
  'json_agg jsonb_agg json_object_agg jsonb_object_agg stddev stddev_pop stddev_samp variance var_pop var_samp',
  'corr percentile_cont percentile_disc mode',
  'row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value',
  'lower upper length char_length character_length octet_length substr substring substring_index trim btrim ltrim',
  'rtrim replace concat concat_ws left right reverse instr strpos position split_part initcap ascii hex',
  'like_escape starts_with',
  'abs round ceil ceiling floor trunc truncate mod power pow sqrt sign exp ln log log2 log10 degrees radians pi',
  'sin cos tan asin acos atan atan2',
  'coalesce nullif ifnull isnull iif if greatest least typeof',
  'now date time datetime julianday unixepoch strftime date_trunc date_part extract age to_char to_date to_number',
  'to_timestamp date_format str_to_date from_unixtime unix_timestamp year quarter month week day dayofweek dayofmonth',
  'dayofyear weekday dayname monthname hour minute second datediff timestampdiff timediff last_day curdate curtime',
  'make_date make_interval timezone timestamp',
  'json json_extract json_array json_object json_array_length json_type json_valid json_build_object',
  'json_build_array json_group_array json_group_object jsonb_build_object jsonb_build_array jsonb_array_length',
  'json_typeof jsonb_typeof json_unquote json_contains to_json to_jsonb row_to_json',
)

/** Types that a value may be read as. */
export const TYPES = words(
  'bool boolean int int2 int4 int8 integer smallint bigint tinyint mediumint signed unsigned',
  'numeric decimal real float float4 float8 double text varchar char bpchar character nchar string',
  'date time timetz timestamp timestamptz datetime year interval json jsonb uuid blob bytea binary varbinary',
)

/** Kinds of expressions; the rest compares with arrays, or is PostgreSQL's alone. */
export const OPERATIONS = words(
  'AEXPR_OP AEXPR_IN AEXPR_LIKE AEXPR_ILIKE AEXPR_BETWEEN AEXPR_NOT_BETWEEN AEXPR_NULLIF',
)

/** Values that come from nowhere. */
export const VALUES = words(
  'SVFOP_CURRENT_DATE SVFOP_CURRENT_TIME SVFOP_CURRENT_TIME_N SVFOP_CURRENT_TIMESTAMP SVFOP_CURRENT_TIMESTAMP_N',
  'SVFOP_LOCALTIME SVFOP_LOCALTIME_N SVFOP_LOCALTIMESTAMP SVFOP_LOCALTIMESTAMP_N',
)
