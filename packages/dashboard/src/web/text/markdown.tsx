import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import type { ComponentChildren, JSX } from "preact";
import { useMemo } from "preact/hooks";
import { code } from "./code.tsx";
import { Cut } from "./cut.tsx";

/** A longer text is shown as it is: the lexer would take longer than a frame. */
const MARKDOWN_CHARACTERS_MAX = 32_768;
/** In a longer paragraph the lexer's time grows with the square of its length. */
const PARAGRAPH_CHARACTERS_MAX = 4_000;
/** Of one text; the longer paragraphs after that are plain. */
const PARAGRAPHS_MS_MAX = 30;
/** A paragraph of this length takes less than a millisecond: it has its marks also on a busy machine. */
const SHORT_PARAGRAPH_CHARACTERS = 200;
/** Deeper lists and quotes make the lexer slow, and then exceed its stack. */
const DEEP = /^[ \t]*(?:>[ \t]*|(?:[*+-]|\d{1,9}[.)])[ \t]+){20}/m;
/** The lexer fills each row of a table up to the cells of its head. */
const CELLS_MAX = 10_000;
const DELIMITERS = /^[-:|>*+.)\d \t]*\|[-:|>*+.)\d \t]*$/;
const CODE_LINES = 40;
const PLAIN_LINES = 200;
const LINK_PROTOCOLS: ReadonlySet<string> = new Set(["http:", "https:", "mailto:"]);

/** A text of an agent or a person as elements. HTML in it is text, an image is its name, and links lead only to the web and to mail. */
export function Markdown({ text }: { text: string }): JSX.Element {
  const tokens = useMemo(() => tokensOf(text), [text]);
  if (tokens !== null) return <div class="prose">{blocks(tokens)}</div>;
  return (
    <div class="prose wrapped">
      <Cut text={text} lines={PLAIN_LINES} />
    </div>
  );
}

/** Null: the text is shown as it is. Exported for its test. */
export function tokensOf(text: string): Token[] | null {
  if (text.length > MARKDOWN_CHARACTERS_MAX || DEEP.test(text) || cellsOf(text) > CELLS_MAX) return null;
  const endsAt = performance.now() + PARAGRAPHS_MS_MAX;
  try {
    const lexer = new Lexer();
    lexer.blockTokens(text.replaceAll(/\r\n?/g, "\n"), lexer.tokens);
    for (const { src, tokens } of lexer.inlineQueue) {
      const isShort = src.length <= SHORT_PARAGRAPH_CHARACTERS;
      if (isShort || (src.length <= PARAGRAPH_CHARACTERS_MAX && performance.now() < endsAt))
        lexer.inlineTokens(src, tokens);
      else tokens.push({ type: "text", raw: src, text: src });
    }
    return lexer.tokens;
  } catch {
    return null;
  }
}

/** At most. */
function cellsOf(text: string): number {
  const lines = text.split("\n");
  const widths = lines.map((line) => (DELIMITERS.test(line) ? line.split("|").length : 0));
  return Math.max(...widths) * lines.length;
}

function blocks(tokens: readonly Token[]): ComponentChildren {
  return tokens.map((token) => element(token as MarkedToken));
}

function element(token: MarkedToken): ComponentChildren {
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "heading":
      return <p class={`heading level-${token.depth}`}>{blocks(token.tokens)}</p>;
    case "paragraph":
      return <p>{blocks(token.tokens)}</p>;
    case "blockquote":
      return <blockquote>{blocks(token.tokens)}</blockquote>;
    case "hr":
      return <hr />;
    case "list":
      return list(token);
    case "code":
      return (
        <pre>
          <code>
            <Cut
              text={token.text}
              lines={CODE_LINES}
              render={(part) => code(part, token.lang?.split(/[\s,{]/)[0] ?? "")}
            />
          </code>
        </pre>
      );
    case "table":
      return table(token);
    case "strong":
      return <strong>{blocks(token.tokens)}</strong>;
    case "em":
      return <em>{blocks(token.tokens)}</em>;
    case "del":
      return <del>{blocks(token.tokens)}</del>;
    case "codespan":
      return <code>{token.text}</code>;
    case "br":
      return <br />;
    case "checkbox":
      return token.checked ? "☑ " : "☐ ";
    case "link":
      return link(token);
    case "image":
      return <ImageName token={token} />;
    case "text":
      return token.tokens === undefined ? token.text : blocks(token.tokens);
    case "escape":
      return token.text;
    default:
      // HTML, and types of tokens that this version of the lexer does not have.
      return token.raw;
  }
}

function list(token: Tokens.List): JSX.Element {
  const items = token.items.map((item, index) => <li key={index}>{blocks(item.tokens)}</li>);
  if (!token.ordered) return <ul>{items}</ul>;
  return <ol start={token.start === "" ? 1 : token.start}>{items}</ol>;
}

function table({ header, rows }: Tokens.Table): JSX.Element {
  return (
    <div class="table-wrap">
      <table>
        <thead>
          <tr>
            {header.map((cell, index) => (
              <th key={index}>{blocks(cell.tokens)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row}>
              {cells.map((cell, index) => (
                <td key={index}>{blocks(cell.tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The address is the link's title: its text may name another one. */
function link({ href, tokens, raw }: Tokens.Link): ComponentChildren {
  const address = addressOf(href);
  if (address === null) return raw;
  return (
    <a href={address} title={address} target="_blank" rel="noopener noreferrer">
      {blocks(tokens)}
    </a>
  );
}

/** Null for an address that is not safe to open. */
function addressOf(href: string): string | null {
  const url = URL.parse(href);
  return url !== null && LINK_PROTOCOLS.has(url.protocol) ? url.href : null;
}

/** Nothing is loaded: the address would learn who reads this. */
function ImageName({ token: { href, text } }: { token: Tokens.Image }): JSX.Element {
  return (
    <span class="badge" title={href.slice(0, 200)}>
      image: {text === "" ? "without a name" : text}
    </span>
  );
}
