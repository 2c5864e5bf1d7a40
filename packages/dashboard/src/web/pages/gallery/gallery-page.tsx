import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { useQuery } from "../../app/use-query.ts";
import { PageHead } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";
import { BaseBlocks } from "./base-blocks.tsx";
import { ListBlocks } from "./list-blocks.tsx";
import { SessionBlocks } from "./session-blocks.tsx";
import { TextBlocks } from "./text-blocks.tsx";

const SHOWN = 5;

/** Blocks in their states, with rows of this hub. */
export function GalleryPage(): JSX.Element {
  const query = useQuery("gallery", async () => {
    const [{ sessions }, { items }] = await Promise.all([
      hub.sessions.list({ limit: SHOWN }),
      hub.timeline({ types: "git_activity", limit: SHOWN }),
    ]);
    return { sessions, git: items.flatMap(({ git_activity }) => git_activity).slice(0, SHOWN) };
  });
  return (
    <>
      <PageHead title="Gallery" note="Blocks in their states." />
      <BaseBlocks />
      <TextBlocks />
      <Loaded query={query}>
        {({ sessions, git }) => (
          <>
            <ListBlocks sessions={sessions} git={git} />
            <SessionBlocks sessions={sessions} />
          </>
        )}
      </Loaded>
    </>
  );
}
