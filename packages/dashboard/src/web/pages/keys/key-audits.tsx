import type { KeyAudit, NamedKey } from "@wharf/protocol";
import type { ComponentChildren, JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { useQuery } from "../../app/use-query.ts";
import { Age } from "../../ui/parts.tsx";
import { Loaded } from "../../ui/states.tsx";
import { keyName } from "./key-name.ts";

const ACTIONS: Readonly<Record<KeyAudit["action"], string>> = {
  bootstrapped: "was created",
  created: "was created",
  rotated: "was rotated",
  revoked: "was revoked",
  enrolled: "was created for a device that joined",
  code_created: "An enrolment code was created",
};

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
              {rows.map((row) => (
                <li key={row.id}>
                  {row.key_id !== null && <Key id={row.key_id} apiKey={row.key} />} {ACTIONS[row.action]}{" "}
                  <span class="faint">
                    by {actorOf(row)}, <Age at={row.created_at} />
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

function actorOf({ actor, actor_key }: KeyAudit): ComponentChildren {
  const [kind, id = ""] = actor.split(" ");
  if (kind === "key") return <Key id={id} apiKey={actor_key} />;
  if (kind === "code") return <span title={id}>an enrolment code</span>;
  return actor === "environment" ? "the admin key of the server's environment" : actor;
}

/** By its name; by its id alone if it is no longer there. */
function Key({ id, apiKey }: { id: string; apiKey: NamedKey | null }): JSX.Element {
  if (apiKey === null) return <code>{id}</code>;
  return (
    <span title={id}>
      <strong>{keyName(apiKey)}</strong> <span class="faint">({apiKey.scope})</span>
    </span>
  );
}
