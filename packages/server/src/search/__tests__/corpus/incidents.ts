import { CLIENT_INCIDENTS } from "./incidents-clients.ts";
import { LANGUAGE_INCIDENTS } from "./incidents-languages.ts";
import { OPERATION_INCIDENTS } from "./incidents-operations.ts";
import { SERVICE_INCIDENTS } from "./incidents-services.ts";

/** What one session is about, and how someone asks for it later: in other words than the session's own. */
export type Incident = {
  title: string;
  prompt: string;
  answer: string;
  file: string;
  command: string;
  output: string;
  question: string;
};

/** A hundred. The questions were written before the ranking, and without knowledge of it. */
export const INCIDENTS: readonly Incident[] = [
  SERVICE_INCIDENTS,
  CLIENT_INCIDENTS,
  OPERATION_INCIDENTS,
  LANGUAGE_INCIDENTS,
].flatMap((lines) => lines.trim().split("\n").map(readIncident));

function readIncident(line: string): Incident {
  const [title = "", prompt = "", answer = "", file = "", command = "", output = "", question = ""] =
    line.split(" | ");
  return { title, prompt, answer, file, command, output, question };
}
