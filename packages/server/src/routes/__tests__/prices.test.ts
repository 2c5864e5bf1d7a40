import { expect, test } from "bun:test";
import { setupApp } from "../../__tests__/setup-app.ts";

const server = setupApp();
const put = (body: object) => server.request("PUT", "/api/prices", { provider: "acme", ...body });

test("a price is stored, replaced and listed", async () => {
  expect(await put({ model: "house", input: 1, output: 2, from: "2026-01-01" })).toMatchObject({
    status: 200,
  });
  const { status, body } = await put({
    model: "House",
    input: 3,
    from: "2026-01-01",
    source: "our contract",
  });
  expect(status).toBe(200);
  expect(body.price).toMatchObject({
    model: "house",
    input: 3,
    output: null,
    source: "our contract",
    to: null,
  });
  const { body: listed } = await server.request("GET", "/api/prices");
  expect(listed.prices).toEqual([body.price]);
});

test("a price that cannot hold is refused with the field", async () => {
  const refused: [object, string][] = [
    [{ model: "house", input: -1 }, "/input"],
    [{ model: "house", from: "2026-02-30" }, "/from"],
    [{ model: "house", from: "2026-02-01", to: "2026-02-01" }, "/to"],
    [{ model: "house", above_input_tokens: 10, speed: "fast" }, "/speed"],
    [{ model: "" }, "/model"],
  ];
  for (const [body, pointer] of refused) {
    const response = await put(body);
    expect([response.status, response.body.errors[0].pointer]).toEqual([400, pointer]);
  }
  expect((await server.request("GET", "/api/prices")).body).toEqual({ prices: [] });
});

test("a price for the fast mode of an unknown model is refused", async () => {
  const { status, body } = await put({ model: "house", speed: "fast", input: 2 });
  expect([status, body.code]).toEqual([409, "PRICE_INCOMPLETE"]);
});
