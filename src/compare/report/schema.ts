/** The part of JSON Schema that `report.schema.json` uses; any other word in it is an error. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly required?: readonly string[];
  readonly properties?: { readonly [name: string]: Schema };
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: { readonly [name: string]: Schema };
}

const words = [
  ...['type', 'const', 'enum', 'minimum', 'required', 'properties', 'additionalProperties', 'items', 'oneOf'],
  ...['$ref', '$defs', '$schema', 'title', 'description'],
];

/** What is wrong with a value, and where. */
export interface Fault {
  /** Such as `rows[3].values`; empty for the value itself. */
  readonly where: string;
  readonly got: string;
  readonly expected: string;
}

/** The first place where a value does not follow a schema, if any. */
export function faultOf(value: unknown, schema: object): Fault | undefined {
  return check(value, schema as Schema, schema as Schema, '');
}

function check(value: unknown, schema: Schema, root: Schema, where: string): Fault | undefined {
  const strange = Object.keys(schema).find((word) => !words.includes(word));
  if (strange !== undefined) throw new Error(`the schema uses ${strange}, which is not understood here`);
  const fault = (expected: string): Fault => ({ where, got: describe(value), expected });
  if (schema.$ref !== undefined) return check(value, resolve(schema.$ref, root), root, where);
  if (schema.oneOf) return checkKind(value, schema.oneOf, root, where);
  if ('const' in schema && value !== schema.const) return fault(JSON.stringify(schema.const));
  if (schema.enum && !schema.enum.includes(value))
    return fault(schema.enum.map((one) => JSON.stringify(one)).join(', '));
  const types = typeof schema.type === 'string' ? [schema.type] : schema.type;
  if (types && !types.some((type) => isOf(value, type))) return fault(types.join(' or '));
  if (schema.minimum !== undefined && typeof value === 'number' && value < schema.minimum) {
    return fault(`at least ${schema.minimum}`);
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    return items && first(value, (item, i) => check(item, items, root, `${where}[${i}]`));
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as { readonly [name: string]: unknown };
  const inside = (name: string): string => (where ? `${where}.${name}` : name);
  const missing = schema.required?.find((name) => !Object.hasOwn(fields, name));
  if (missing !== undefined) return { where: inside(missing), got: 'nothing', expected: 'this field' };
  return first(Object.keys(fields), (name) => {
    const known = schema.properties && Object.hasOwn(schema.properties, name);
    const rule = known ? schema.properties?.[name] : schema.additionalProperties;
    return rule && check(fields[name], rule, root, inside(name));
  });
}

/** Objects told apart by their field `kind`. */
function checkKind(value: unknown, choices: readonly Schema[], root: Schema, where: string): Fault | undefined {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  const resolved = choices.map((one) => (one.$ref === undefined ? one : resolve(one.$ref, root)));
  const chosen = resolved.find((one) => one.properties?.kind?.const === kind);
  if (chosen) return check(value, chosen, root, where);
  const kinds = resolved.map((one) => JSON.stringify(one.properties?.kind?.const)).join(', ');
  return { where: where ? `${where}.kind` : 'kind', got: describe(kind), expected: kinds };
}

function resolve(reference: string, { $defs }: Schema): Schema {
  const found = $defs?.[reference.replace('#/$defs/', '')];
  if (!found) throw new Error(`the schema has no ${reference}`);
  return found;
}

function isOf(value: unknown, type: string): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'null') return value === null;
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function first<T>(values: readonly T[], faultAt: (value: T, index: number) => Fault | undefined): Fault | undefined {
  for (const [index, value] of values.entries()) {
    const fault = faultAt(value, index);
    if (fault) return fault;
  }
  return undefined;
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return JSON.stringify(value).slice(0, 80);
}
