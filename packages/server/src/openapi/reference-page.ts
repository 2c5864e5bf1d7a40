import { html, raw } from "hono/html";
import { z } from "zod";
import { PAGE_STYLE } from "../http/html-page.ts";
import type { OpenApiDocument } from "./document.ts";
import { typeOf } from "./type-text.ts";

const schemaSchema = z.record(z.string(), z.unknown());
const contentSchema = z.record(
  z.string(),
  z.object({ schema: schemaSchema.optional(), example: z.unknown().optional() }),
);
const operationSchema = z.object({
  operationId: z.string(),
  tags: z.array(z.string()),
  summary: z.string(),
  description: z.string().optional(),
  security: z.array(z.record(z.string(), z.unknown())),
  parameters: z.array(
    z.object({ name: z.string(), in: z.string(), required: z.boolean(), schema: schemaSchema }),
  ),
  requestBody: z.object({ required: z.boolean(), content: contentSchema }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string(), content: contentSchema.optional() })),
});
type Entry = z.infer<typeof operationSchema> & { method: string; path: string };
type Content = z.infer<typeof contentSchema>;
type Html = ReturnType<typeof html>;

/** The OpenAPI document as one HTML page without scripts: every route with its parameters, bodies, responses and examples. */
export function referencePage(document: OpenApiDocument): string {
  const byTag = Map.groupBy(entriesOf(document), (entry) => entry.tags[0] ?? "");
  const { title, version, description } = document.info;
  const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} API</title><style>${raw(PAGE_STYLE)}</style></head>
<body>
<h1>${title} API</h1>
<p class="note">Version ${version} · <a href="/api/openapi.json">OpenAPI document</a></p>
${description.split("\n\n").map((paragraph) => html`<p>${prose(paragraph)}</p>`)}
<nav aria-label="Routes">${[...byTag].map(([tag, entries]) => navigation(tag, entries))}</nav>
<main>
${[...byTag].map(([tag, entries]) => html`<section><h2 id="${anchor(tag)}">${tag}</h2>${entries.map(operation)}</section>`)}
<section><h2 id="schemas">Schemas</h2>${Object.entries(document.components.schemas).map(([name, schema]) => schemaDetails(name, schema))}</section>
</main>
</body>
</html>`;
  return String(page);
}

function entriesOf({ paths }: OpenApiDocument): Entry[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, value]) => ({
      method: method.toUpperCase(),
      path,
      ...operationSchema.parse(value),
    })),
  );
}

function navigation(tag: string, entries: readonly Entry[]): Html {
  const links = entries.map(
    (entry) => html`<br><a href="#${entry.operationId}">${entry.method} ${entry.path}</a>`,
  );
  return html`<p><strong>${tag}</strong>${links}</p>`;
}

function operation(entry: Entry): Html {
  return html`<details id="${entry.operationId}">
<summary><span class="method">${entry.method}</span> <code>${entry.path}</code> <span class="note">${prose(entry.summary)}</span></summary>
<div>
${entry.description === undefined ? "" : html`<p>${prose(entry.description)}</p>`}
<p class="note">${keysOf(entry)}</p>
${entry.parameters.length === 0 ? "" : parameters(entry)}
${entry.requestBody === undefined ? "" : html`<h4>Body${entry.requestBody.required ? "" : " (optional)"}</h4>${contents(entry.requestBody.content)}`}
<h4>Responses</h4>
${Object.entries(entry.responses).map(([status, response]) => html`<p><strong>${status}</strong> ${prose(response.description)}</p>${status.startsWith("2") ? contents(response.content ?? {}) : ""}`)}
</div>
</details>`;
}

function keysOf({ security }: Entry): string {
  if (security.length === 0) return "No key required.";
  const scopes = security.flatMap((scheme) => Object.keys(scheme)).map((name) => name.replace(/Key$/, ""));
  return `Requires a key with the scope ${scopes.join(" or ")}.`;
}

function parameters({ parameters: list }: Entry): Html {
  const rows = list.map(
    ({ name, in: place, required, schema }) =>
      html`<tr><td><code>${name}</code></td><td>${place}${required ? ", required" : ""}</td><td><code>${typeOf(schema)}</code></td></tr>`,
  );
  return html`<h4>Parameters</h4><table><tbody>${rows}</tbody></table>`;
}

function contents(content: Content): Html[] {
  return Object.entries(content).map(
    ([type, { schema, example }]) => html`
<p><code>${type}</code> ${schema === undefined ? "" : html`<code>${typeOf(schema)}</code>`}</p>
${example === undefined ? "" : html`<pre tabindex="0">${JSON.stringify(example, null, 2)}</pre>`}`,
  );
}

function schemaDetails(name: string, schema: object): Html {
  const { properties, required } = z
    .object({
      properties: z.record(z.string(), schemaSchema).default({}),
      required: z.array(z.string()).default([]),
    })
    .parse(schema);
  const rows = Object.entries(properties).map(
    ([field, type]) =>
      html`<tr><td><code>${field}</code></td><td>${required.includes(field) ? "" : "optional"}</td><td><code>${typeOf(type)}</code></td></tr>`,
  );
  const body =
    rows.length === 0
      ? html`<code>${typeOf(schemaSchema.parse(schema))}</code>`
      : html`<table><tbody>${rows}</tbody></table>`;
  return html`<details id="schema-${name}"><summary><code>${name}</code></summary><div>${body}</div></details>`;
}

function anchor(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}

/** Descriptions are Markdown; `code` is the only markup that they use. */
function prose(text: string) {
  return text.split("`").map((part, position) => (position % 2 === 1 ? html`<code>${part}</code>` : part));
}
