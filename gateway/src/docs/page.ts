/** The API's documentation as one plain page: no script, nothing loaded from elsewhere. */
import { PROBLEMS } from '@reelay/contracts';
import { html, raw } from 'hono/html';

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const at = (value: unknown, ...path: string[]): unknown => path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

interface Operation {
  method: string;
  path: string;
  tag: string;
  id: string;
  spec: unknown;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

const operationsOf = (document: unknown): Operation[] =>
  Object.entries(isObject(at(document, 'paths')) ? (at(document, 'paths') as Json) : {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const spec = at(item, method);
      if (!isObject(spec)) return [];
      return [{ method, path, tag: text(list(spec.tags)[0]) || 'Other', id: `${method}-${path.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '')}`, spec }];
    }));

const number = (value: unknown): string => (typeof value === 'number' ? String(value) : '');

/** A schema in a few words: `integer 1–100, default 20`. */
const words = (schema: unknown): string => {
  if (!isObject(schema)) return '';
  const options = [...list(schema.anyOf), ...list(schema.oneOf)];
  if (options.length > 0) return options.map(words).filter((word) => word !== '').join(' or ');
  if (Array.isArray(schema.enum)) return schema.enum.map(String).join(' | ');
  if ('const' in schema) return String(schema.const);
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : text(schema.type);
  const inner = type === 'array' ? ` of ${words(schema.items) || 'anything'}` : '';
  const range = 'minimum' in schema || 'maximum' in schema ? ` ${number(schema.minimum)}–${number(schema.maximum)}` : '';
  const format = typeof schema.format === 'string' ? ` (${schema.format})` : '';
  const fallback = 'default' in schema ? `, default ${JSON.stringify(schema.default)}` : '';
  return `${type}${inner}${format}${range}${fallback}`;
};

const fieldRows = (schema: unknown) => {
  const required = new Set(list(at(schema, 'required')));
  const properties = at(schema, 'properties');
  if (!isObject(properties)) return html`<p>${words(schema)}</p>`;
  return html`<table>${Object.entries(properties).map(([name, field]) =>
    html`<tr><th scope="row"><code>${name}</code>${required.has(name) ? html` <em>required</em>` : ''}</th><td>${words(field)} ${text(at(field, 'description'))}</td></tr>`)}</table>`;
};

const schemaOf = (content: unknown): { type: string; schema: unknown } | null => {
  if (!isObject(content)) return null;
  const [first] = Object.entries(content);
  return first === undefined ? null : { type: first[0], schema: at(first[1], 'schema') };
};

const operationSection = ({ method, path, id, spec }: Operation) => {
  const parameters = list(at(spec, 'parameters'));
  const body = schemaOf(at(spec, 'requestBody', 'content'));
  const responses = Object.entries(isObject(at(spec, 'responses')) ? (at(spec, 'responses') as Json) : {}).filter(([status]) => !status.endsWith('XX'));
  return html`<section id="${id}">
    <h3><span class="method ${method}">${method.toUpperCase()}</span> <code>${path}</code></h3>
    <p>${text(at(spec, 'summary'))}. ${text(at(spec, 'description'))}</p>
    ${parameters.length === 0 ? '' : html`<h4>Parameters</h4><table>${parameters.map((parameter) =>
      html`<tr><th scope="row"><code>${text(at(parameter, 'name'))}</code> <small>${text(at(parameter, 'in'))}</small></th><td>${words(at(parameter, 'schema'))} ${text(at(parameter, 'description')) || text(at(parameter, 'schema', 'description'))}</td></tr>`)}</table>`}
    ${body === null ? '' : html`<h4>Body <small>${body.type}</small></h4>${fieldRows(body.schema)}`}
    ${responses.map(([status, response]) => {
      const answer = schemaOf(at(response, 'content'));
      return html`<details><summary><strong>${status}</strong> ${text(at(response, 'description'))}</summary>${answer === null ? '' : fieldRows(answer.schema)}</details>`;
    })}
  </section>`;
};

/** The page for an OpenAPI 3.1 document. */
export const docsPage = (document: unknown): string => {
  const operations = operationsOf(document);
  const tags = [...new Set(operations.map((operation) => operation.tag))];
  const page = html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Reelay API</title><link rel="stylesheet" href="/docs/style.css"></head><body>
    <nav aria-label="Contents"><h2>Reelay API</h2>${tags.map((tag) => html`<h3>${tag}</h3><ul>${operations.filter((operation) => operation.tag === tag).map(({ id, method, path }) =>
      html`<li><a href="#${id}"><span class="method ${method}">${method.toUpperCase()}</span> ${path}</a></li>`)}</ul>`)}
      <h3>More</h3><ul><li><a href="#problems">Problems</a></li><li><a href="/openapi.json">openapi.json</a></li></ul></nav>
    <main><h1>Reelay API</h1><p>${text(at(document, 'info', 'description'))}</p>
    <p>Send <code>Authorization: Bearer …</code> with a token from <code>POST /api/auth/login</code> or an API token. Writes that are signed in by cookie need the header <code>x-reelay-csrf</code>.</p>
    ${tags.map((tag) => html`<h2>${tag}</h2>${operations.filter((operation) => operation.tag === tag).map(operationSection)}`)}
    <h2 id="problems">Problems</h2><p>Errors are <code>application/problem+json</code> (RFC 9457). Branch on <code>code</code>.</p>
    <table>${Object.entries(PROBLEMS).map(([code, [status, title]]) => html`<tr id="problem-${code}"><th scope="row"><code>${code}</code></th><td>${status}</td><td>${title}</td></tr>`)}</table>
    </main></body></html>`;
  return `<!doctype html>${String(raw(page))}`;
};

export const DOCS_STYLE = `
:root { color-scheme: light dark; --line: #8884; --dim: #8889; }
* { box-sizing: border-box; }
body { margin: 0; display: grid; grid-template-columns: minmax(16rem, 22rem) 1fr; font: 15px/1.5 system-ui, sans-serif; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; border-right: 1px solid var(--line); font-size: 13px; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { color: inherit; text-decoration: none; display: block; padding: 2px 0; overflow-wrap: anywhere; }
nav a:hover, nav a:focus { text-decoration: underline; }
main { padding: 1rem 2rem; max-width: 60rem; min-width: 0; }
section { border-top: 1px solid var(--line); padding: 0.5rem 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 3px 8px 3px 0; font-weight: normal; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
small, em { color: var(--dim); font-style: normal; }
.method { font: 600 11px/1 ui-monospace, monospace; display: inline-block; min-width: 3.6em; }
.get { color: #2a7; } .post { color: #37c; } .patch, .put { color: #b70; } .delete { color: #c33; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border: 0; } }
`;
