/** JSON.parse with source text access (ECMAScript proposal, in JavaScriptCore), which the library's types lack. */
interface JSON {
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
  parse(
    text: string,
    reviver: (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
}
