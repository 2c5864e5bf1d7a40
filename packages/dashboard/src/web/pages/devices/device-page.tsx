import type { DeviceDetail } from "@wharf/client";
import type { Device, NextDeletion } from "@wharf/protocol";
import { agentName } from "@wharf/protocol/agent-names";
import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import type { PageProps } from "../../app/pages.ts";
import { useLiveReload } from "../../app/use-live-reload.ts";
import { usePartialCosts } from "../../app/use-partial-costs.ts";
import { useQuery } from "../../app/use-query.ts";
import { bytesText, counted, countText } from "../../format/numbers.ts";
import { instantText } from "../../format/times.ts";
import { Cost } from "../../ui/cost.tsx";
import { Age, Facts, PageHead } from "../../ui/parts.tsx";
import { RecentSessions } from "../../ui/recent-sessions.tsx";
import { knownPath, repositoryName, sessionHref, untitled } from "../../ui/session-parts.tsx";
import { Loaded } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { DeviceActions } from "./device-actions.tsx";
import { DeviceStatus, skewText } from "./device-parts.tsx";

export function DevicePage({ params: { id = "" } }: PageProps): JSX.Element {
  const detail = useQuery(`device ${id}`, () => hub.devices.get(id));
  useLiveReload(["device", "session"], detail);
  return <Loaded query={detail}>{(found) => <DeviceView detail={found} onChange={detail.reload} />}</Loaded>;
}

function DeviceView({ detail, onChange }: { detail: DeviceDetail; onChange: () => void }): JSX.Element {
  const { device, workspaces, recent_sessions, next_deletions } = detail;
  const isCostPartial = usePartialCosts("device").has(device.id);
  return (
    <>
      <PageHead
        title={device.name}
        badge={<DeviceStatus device={device} />}
        note={
          <>
            Seen <Age at={device.last_seen_at} />, for the first time <Age at={device.first_seen_at} />
          </>
        }
      >
        <DeviceActions device={device} onChange={onChange} />
      </PageHead>
      <div class="columns">
        <section class="card">
          <h2>Machine</h2>
          <Facts facts={machineFacts(device, isCostPartial)} />
        </section>
        <section class="card">
          <h2>Hooks</h2>
          <Hooks device={device} />
        </section>
        <section class="card">
          <h2>Transcripts</h2>
          <Agents device={device} />
          {next_deletions.length > 0 && (
            <>
              <h3>What its agents delete next</h3>
              <p class="faint">The hub keeps these files.</p>
              <ul class="plain">
                {next_deletions.map((deletion) => (
                  <NextDeletionItem key={`${deletion.agent} ${deletion.file}`} deletion={deletion} />
                ))}
              </ul>
            </>
          )}
        </section>
      </div>
      <h2>Recent sessions</h2>
      <RecentSessions sessions={recent_sessions} count={device.session_count} of={{ device_id: device.id }} />
      <h2>Repositories</h2>
      <ul class="plain">
        {workspaces.map(({ id, display_name, local_path }) => (
          <li key={id}>
            <a href={`/repositories/${encodeURIComponent(id)}`}>{repositoryName(display_name)}</a>{" "}
            {knownPath(local_path) !== null && <code>{local_path}</code>}
          </li>
        ))}
      </ul>
    </>
  );
}

/** The directory of their files, next to that of the session. */
const OF_SUBAGENT = "subagents/";

function NextDeletionItem({ deletion }: { deletion: NextDeletion }): JSX.Element {
  const { session_id, session_title, file, held_bytes, deletes_at } = deletion;
  return (
    <li>
      <a href={sessionHref(session_id)} title={file}>
        {file.startsWith(OF_SUBAGENT) && "subagent of "}
        {session_title ?? untitled(session_id)}
      </a>{" "}
      <span class="faint">
        {instantText(deletes_at)}, {bytesText(held_bytes)}
      </span>
    </li>
  );
}

function machineFacts(
  { id, type, hostname, os, arch, report, total_cost_usd }: Device,
  isCostPartial: boolean,
) {
  const skew = report === null ? null : (skewText(report.clock_skew_ms) ?? "correct");
  return [
    ["Id", <code key="id">{id}</code>],
    ["Host", hostname],
    ["System", [os, arch].filter(Boolean).join(" ") || null],
    ["Type", type],
    ["Client", report?.client_version ?? "has sent no report"],
    ["Clock", skew],
    ["Cost", <Cost key="cost" usd={total_cost_usd} isPartial={isCostPartial} />],
  ] as const;
}

type Report = NonNullable<Device["report"]>;
type Hook = Report["hooks"][number];
type AgentFiles = Report["agents"][number];

const HOOK_COLUMNS: readonly [Column<Hook>, ...Column<Hook>[]] = [
  { title: "hook", cell: ({ name }) => name },
  { title: "median", isNumber: true, cell: ({ median_ms }) => `${median_ms.toFixed(1)} ms` },
  { title: "p99", isNumber: true, cell: ({ p99_ms }) => `${p99_ms.toFixed(1)} ms` },
];

const AGENT_COLUMNS: readonly [Column<AgentFiles>, ...Column<AgentFiles>[]] = [
  { title: "agent", cell: ({ agent }) => agentName(agent) },
  { title: "files", isNumber: true, cell: ({ files }) => countText(files) },
  { title: "bytes", isNumber: true, cell: ({ bytes }) => bytesText(bytes) },
  {
    title: "deletes next",
    cell: ({ next_deletion_at }) => (next_deletion_at === null ? "never" : instantText(next_deletion_at)),
  },
];

function Hooks({ device: { report } }: { device: Device }): JSX.Element {
  if (report === null)
    return (
      <p class="faint">
        Known from the client's first report. Run <code>wharf doctor</code> on the machine.
      </p>
    );
  if (report.hooks.length === 0)
    return (
      <p>
        No hook is installed. On the machine: <code>wharf hooks install</code>
      </p>
    );
  return <Table label="Hooks" columns={HOOK_COLUMNS} rows={report.hooks} keyOf={({ name }) => name} />;
}

/** What is on the machine, next to what the hub holds. */
function Agents({ device: { report, held } }: { device: Device }): JSX.Element {
  return (
    <>
      <p>
        Held here: {bytesText(held.bytes)} in {counted(held.files, "file")} of sessions and subagents, also
        those that are gone from the machine.
      </p>
      {report !== null && report.agents.length > 0 && (
        <>
          <p>
            On the machine, as its client reported <Age at={report.reported_at} />:
          </p>
          <Table label="Agents" columns={AGENT_COLUMNS} rows={report.agents} keyOf={({ agent }) => agent} />
        </>
      )}
    </>
  );
}
