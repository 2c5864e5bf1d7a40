import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { useQuery } from "../../app/use-query.ts";
import { Age } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";

/** Who created, rotated and revoked keys. */
export function KeyAudits(): JSX.Element {
  const audit = useQuery("key-audit", async () => (await hub.keys.audit({ limit: 20 })).audit);
  return (
    <section aria-labelledby="audit">
      <h2 id="audit">Latest changes</h2>
      <Loaded query={audit} rows={3}>
        {(rows) =>
          rows.length === 0 ? (
            <p class="faint">No key was created or changed yet.</p>
          ) : (
            <ul class="plain">
              {rows.map(({ id, action, key_id, actor, created_at }) => (
                <li key={id}>
                  {action.replaceAll("_", " ")} {key_id !== null && <code>{key_id}</code>}{" "}
                  <span class="faint">
                    by {actor}, <Age at={created_at} />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </section>
  );
}
