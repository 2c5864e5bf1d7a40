export type MigrationText = {
  /** With the line ends of the repository and without a byte order mark. */
  readonly text: string;
  readonly checksum: string;
  /** As earlier versions recorded it in a clone whose line ends are CRLF. */
  readonly checksumWithCrlf: string;
};

const BYTE_ORDER_MARK = /^\uFEFF/;

/** Reads a migration file; line ends and a byte order mark do not matter. */
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
