import { priceSchema, putPriceSchema } from "@wharf/protocol";
import { Hono } from "hono";
import { z } from "zod";
import { storable } from "../http/json.ts";
import { operation } from "../http/operation.ts";
import { ProblemError } from "../http/problem.ts";
import type { AppEnv } from "../http/request-context.ts";
import type { Pricing } from "../transcripts/pricing.ts";

const tag = "Usage";

const list = operation({
  scopes: ["read"],
  tag,
  summary: "List the prices of models, in USD per million tokens",
  description:
    "A model has one row for most requests, and further ones for requests with large input (`above_input_tokens`) and for the fast mode (`speed`). Of rows that hold on the same day, an administrator's precede shipped ones, and later ones precede earlier ones.",
  responses: { 200: z.object({ prices: z.array(priceSchema) }) },
  example: { status: 200 },
});

const put = operation({
  scopes: ["admin"],
  tag,
  summary: "Add or replace one price",
  description:
    "Replaces the row of the same model, `from` and kind of requests. Stored responses are priced again by the job `reprice-responses` within minutes. `model` is stored without provider and date, as it is looked up.",
  body: storable(putPriceSchema),
  responses: { 200: z.object({ price: priceSchema }) },
  problems: { 409: "The model has no price for most requests from this day on." },
  example: {
    status: 200,
    body: { model: "house-model", provider: "acme", from: "2026-01-01", input: 1.5, output: 6 },
  },
});

/** /api/prices: read by everyone with a read key, changed by administrators. */
export function priceRoutes({ pricing }: { pricing: Pricing }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/", list, async function getPrices(c) {
    return c.json({ prices: await pricing.list() });
  });

  routes.put("/", put, async function putPrice(c) {
    const price = await pricing.put(c.req.valid("json"));
    if (price === null) throw withoutStandardPrice();
    return c.json({ price });
  });

  return routes;
}

function withoutStandardPrice(): ProblemError {
  return new ProblemError({
    status: 409,
    code: "PRICE_INCOMPLETE",
    detail:
      "The model has no price for most requests from this day on. Put that row first, without above_input_tokens and speed.",
  });
}
