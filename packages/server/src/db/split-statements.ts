/** What a semicolon may stand in without ending a statement: comments, strings, quoted names, dollar-quoted bodies. */
const TOKENS = [
  /--[^\n]*/,
  /\/\*.*?\*\//,
  /[eE]'(?:[^'\\]|\\.|'')*'/,
  /'(?:[^']|'')*'/,
  /"(?:[^"]|"")*"/,
  /\$(?<tag>(?:[A-Za-z_\u0080-\uFFFF][\w\u0080-\uFFFF]*)?)\$.*?\$\k<tag>\$/,
  // A whole word, so that neither a dollar sign nor an E at its end opens anything.
  /[\w\u0080-\uFFFF][\w$\u0080-\uFFFF]*/,
  /./,
];
const TOKEN = new RegExp(TOKENS.map((token) => token.source).join("|"), "gs");
const COMMENT_OR_SPACE = /^(?:--|\/\*|\s)/;

/**
 * The statements of a script, without their semicolons; comments stay with the statement that follows.
 * Two things are taken apart wrongly, and then refused by Postgres: nested comments that hold a semicolon, and the bodies
 * of SQL functions written with BEGIN ATOMIC instead of as a dollar-quoted string.
 */
export function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let statement = "";
  let isEmpty = true;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token !== ";") {
      statement += token;
      isEmpty &&= COMMENT_OR_SPACE.test(token);
      continue;
    }
    if (!isEmpty) statements.push(statement.trim());
    statement = "";
    isEmpty = true;
  }
  return isEmpty ? statements : [...statements, statement.trim()];
}
