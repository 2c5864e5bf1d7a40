import { describe, expect, test } from "bun:test";
import { generateSessions } from "./corpus/generate-sessions.ts";
import { INCIDENTS } from "./corpus/incidents.ts";

describe("the corpus of the search", () => {
  test("has a hundred different questions, and every part of their incidents", () => {
    expect(new Set(INCIDENTS.map(({ question }) => question)).size).toBe(100);
    for (const incident of INCIDENTS) expect(Object.values(incident)).not.toContain("");
  });

  test("asks in other words: no question is a part of its session", () => {
    for (const { question, title, prompt, answer } of INCIDENTS)
      expect([title, prompt, answer].join(" ").toLowerCase()).not.toContain(question.toLowerCase());
  });

  test("has one session for each incident, and is the same each time", () => {
    const size = { sessions: 250, messages: 7 };
    const sessions = [...generateSessions(size)];
    expect(sessions.flatMap(({ incident }) => incident ?? [])).toEqual(INCIDENTS.map((_, index) => index));
    expect(sessions.map(({ messages }) => messages.length)).toEqual(sessions.map(() => 7));
    expect(JSON.stringify([...generateSessions(size)])).toBe(JSON.stringify(sessions));
  });
});
