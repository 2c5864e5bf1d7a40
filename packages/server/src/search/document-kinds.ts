/** What a search document is of. Titles, summaries and commits are of a session; the others of a block of a message. */
export const DOCUMENT_KINDS = [
  "title",
  "prompt",
  "answer",
  "summary",
  "commit",
  "thinking",
  "tool_input",
  "tool_output",
] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

const READ_KINDS: ReadonlySet<DocumentKind> = new Set(["title", "prompt", "answer", "summary", "commit"]);
const CODE_KINDS: ReadonlySet<DocumentKind> = new Set(["tool_input", "tool_output"]);

/** Sentences, whose words are found in all their forms; the others are code and output. */
export function isProse(kind: DocumentKind): boolean {
  return !CODE_KINDS.has(kind);
}

/** What people read or write, and ask for in other words later. */
export function isRead(kind: DocumentKind): boolean {
  return READ_KINDS.has(kind);
}
