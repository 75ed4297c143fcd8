const TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
const ONE = ['items', 'additionalProperties', 'not', 'contains', 'propertyNames', 'if', 'then', 'else'];
const LISTS = ['anyOf', 'oneOf', 'allOf', 'prefixItems'];
const NAMED = ['properties', 'patternProperties', '$defs', 'definitions'];

/**
 * Reads a JSON schema that someone typed. Finds slips in its form; what of it can be enforced, the server says.
 *
 * @returns {{schema: object|null, error: string|null}} null and null for empty text
 */
export function readSchema(text) {
  if (text.trim() === '') return { schema: null, error: null };
  let schema;
  try {
    schema = JSON.parse(text);
  } catch (e) {
    return { schema: null, error: `This is not JSON: ${e.message}` };
  }
  const error = slip(schema, '', schema);
  if (!error && !isObject(schema)) return { schema: null, error: 'The schema must be a JSON object.' };
  return error ? { schema: null, error } : { schema, error: null };
}

function slip(schema, at, root) {
  const where = at === '' ? 'At the top' : `At ${at}`;
  if (typeof schema === 'boolean') return null;
  if (!isObject(schema)) return `${where}: a schema is a JSON object.`;
  for (const type of [schema.type ?? []].flat()) {
    if (!TYPES.includes(type)) return `${where}: type ${JSON.stringify(type)} is none of ${TYPES.join(', ')}.`;
  }
  if ('enum' in schema && !(Array.isArray(schema.enum) && schema.enum.length > 0)) return `${where}: enum is a list with at least one value.`;
  if ('required' in schema && !(Array.isArray(schema.required) && schema.required.every((name) => typeof name === 'string'))) {
    return `${where}: required is a list of names.`;
  }
  if ('pattern' in schema && !isPattern(schema.pattern)) return `${where}: pattern is not a regular expression.`;
  if ('$ref' in schema && !refers(schema.$ref, root)) return `${where}: $ref ${JSON.stringify(schema.$ref)} leads nowhere in this schema.`;
  for (const word of ONE) {
    const found = word in schema && slip(schema[word], `${at}/${word}`, root);
    if (found) return found;
  }
  for (const word of LISTS.filter((list) => list in schema)) {
    if (!Array.isArray(schema[word]) || schema[word].length === 0) return `${where}: ${word} is a list with at least one schema.`;
  }
  for (const word of NAMED.filter((map) => map in schema)) {
    if (!isObject(schema[word])) return `${where}: ${word} is an object of schemas.`;
  }
  for (const word of [...LISTS, ...NAMED].filter((group) => group in schema)) {
    for (const [name, child] of Object.entries(schema[word])) {
      const found = slip(child, `${at}/${word}/${name}`, root);
      if (found) return found;
    }
  }
  return null;
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPattern(source) {
  try {
    return typeof source === 'string' && new RegExp(source, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/** JSON pointers, RFC 6901, in a fragment. */
function refers(ref, root) {
  if (ref === '#') return true;
  if (typeof ref !== 'string' || !ref.startsWith('#/')) return false;
  let at = root;
  for (const step of ref.slice(2).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return false;
    at = at[name];
  }
  return true;
}
