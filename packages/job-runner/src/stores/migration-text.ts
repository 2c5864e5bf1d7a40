export type MigrationText = {
  /** With the line ends and the beginning that the repository has. */
  readonly text: string;
  readonly checksum: string;
  /** As earlier versions recorded it in a clone whose line ends are CRLF. */
  readonly checksumWithCrlf: string;
};

const BYTE_ORDER_MARK = /^\uFEFF/;

/** A migration file as git and editors may have written it: neither its line ends nor a byte order mark count. */
export function readMigrationText(content: string): MigrationText {
  const text = content.replace(BYTE_ORDER_MARK, "").replaceAll("\r\n", "\n");
  return { text, checksum: sha256(text), checksumWithCrlf: sha256(text.replaceAll("\n", "\r\n")) };
}

/** Whether this text was applied, by the checksum in the ledger; the oldest rows have none. */
export function isSameMigration(recorded: string | null, file: Omit<MigrationText, "text">): boolean {
  return recorded === null || recorded === file.checksum || recorded === file.checksumWithCrlf;
}

function sha256(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}
