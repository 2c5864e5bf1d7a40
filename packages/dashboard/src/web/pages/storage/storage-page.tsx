import type { Retention as Kept, Storage } from "@wharf/protocol";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { canChange, hub } from "../../app/hub.ts";
import { usePlaces, workspaceNames } from "../../app/use-places.ts";
import { useQuery } from "../../app/use-query.ts";
import { bytesText, counted, countText } from "../../format/numbers.ts";
import { PageHead, Stat } from "../../ui/parts.tsx";
import { KINDS, keptText, RetentionDialog } from "../../ui/retention-dialog.tsx";
import { Select } from "../../ui/select.tsx";
import { Loaded } from "../../ui/states.tsx";
import { type Column, Table } from "../../ui/table.tsx";

type TableSize = Storage["tables"][number];

/** How large the hub is, how fast it grows, and what it keeps for a time only. */
export function StoragePage(): JSX.Element {
  const storage = useQuery("storage", () => hub.storage());
  return (
    <>
      <PageHead
        title="Storage"
        note="How large the hub is, how fast it grows, and what it keeps for a time only."
      />
      <Loaded query={storage}>
        {(found) => (
          <>
            <Sizes storage={found} />
            <Retention storage={found} onChange={storage.reload} />
            <Tables storage={found} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Sizes({ storage: { database, disk, blobs, transcripts } }: { storage: Storage }): JSX.Element {
  return (
    <div class="stats">
      <Stat name="database" note={growthText(database.bytes_per_day)}>
        {bytesText(database.bytes)}
      </Stat>
      {disk !== null && (
        <Stat
          name="free on the disk"
          note={
            disk.days_to_full === null
              ? undefined
              : `full in ${countText(Math.floor(disk.days_to_full))} days`
          }
        >
          {bytesText(disk.free_bytes)}
        </Stat>
      )}
      <Stat
        name="transcripts held here"
        note={`${counted(transcripts.files, "file")}, ${bytesText(transcripts.source_bytes)} before redaction`}
      >
        {bytesText(transcripts.stored_bytes)}
      </Stat>
      <Stat
        name={`compressed, in ${BLOB_STORES[blobs.kind]}`}
        note={blobs.count === null ? "not counted there" : counted(blobs.count, "piece")}
      >
        {blobs.bytes === null ? "–" : bytesText(blobs.bytes)}
      </Stat>
    </div>
  );
}

function growthText(bytesPerDay: number | null): string {
  if (bytesPerDay === null) return "growth known after a day";
  return `${bytesPerDay < 0 ? "−" : "+"}${bytesText(Math.abs(bytesPerDay))} a day`;
}

const COLUMNS: readonly [Column<TableSize>, ...Column<TableSize>[]] = [
  { title: "table", cell: ({ name }) => <code>{name}</code> },
  { title: "rows, about", isNumber: true, cell: ({ rows }) => countText(rows) },
  { title: "bytes", isNumber: true, cell: ({ bytes }) => bytesText(bytes) },
  { title: "of it indexes", isNumber: true, cell: ({ index_bytes }) => bytesText(index_bytes) },
  {
    title: "a day",
    isNumber: true,
    cell: ({ bytes_per_day }) => (bytes_per_day === null ? "–" : bytesText(Math.max(bytes_per_day, 0))),
  },
];

function Tables({ storage: { tables } }: { storage: Storage }): JSX.Element {
  return (
    <section aria-labelledby="tables">
      <h2 id="tables">Tables</h2>
      <Table label="Sizes" columns={COLUMNS} rows={tables} keyOf={({ name }) => name} />
    </section>
  );
}

function Retention({ storage, onChange }: { storage: Storage; onChange: () => void }): JSX.Element {
  const { workspaces, table_hours } = storage.retention;
  return (
    <section aria-labelledby="retention">
      <h2 id="retention">Retention</h2>
      {workspaces.length === 0 ? (
        <p>Every repository keeps its transcripts, their parsed texts and its events without a limit.</p>
      ) : (
        <ul class="plain">
          {workspaces.map(({ workspace_id, workspace_name, ...kept }) => (
            <li key={workspace_id}>
              <a href={`/repositories/${encodeURIComponent(workspace_id)}`}>{workspace_name}</a>{" "}
              <span class="faint">{limitsText(kept)}</span>
            </li>
          ))}
        </ul>
      )}
      {canChange() && <ChangeRetention onChange={onChange} />}
      <p class="faint">
        In all repositories:{" "}
        {Object.entries(table_hours)
          .map(([table, hours]) => `${TABLE_NAMES[table] ?? table}: ${hoursText(hours)}`)
          .join(" · ")}
      </p>
    </section>
  );
}

/** Chooses a repository, and changes what it keeps. */
function ChangeRetention({ onChange }: { onChange: () => void }): JSX.Element {
  const places = usePlaces();
  const [changed, setChanged] = useState<string | null>(null);
  const options = [...(places === null ? [] : workspaceNames(places))].map(([value, text]) => ({
    value,
    text,
  }));
  return (
    <p>
      <Select
        label="Change the retention of a repository"
        any="Change the retention of …"
        value={changed ?? ""}
        options={options}
        onChange={(id) => setChanged(id === "" ? null : id)}
      />
      {changed !== null && (
        <RetentionDialog workspaceId={changed} onSaved={onChange} onClose={() => setChanged(null)} />
      )}
    </p>
  );
}

const BLOB_STORES: Readonly<Record<Storage["blobs"]["kind"], string>> = {
  postgres: "the database",
  directory: "a directory",
  s3: "S3",
};

const TABLE_NAMES: Readonly<Record<string, string>> = {
  ingest_notes: "notes of ingest",
  change_log: "change log",
};

function hoursText(hours: number): string {
  return hours % 24 === 0 ? counted(hours / 24, "day") : counted(hours, "hour");
}

function limitsText(kept: Kept): string {
  return KINDS.filter(([name]) => kept[name] !== null)
    .map(([name, text]) => `${text} ${keptText(kept[name])}`)
    .join(", ");
}
