import type { JSX } from "preact";
import { hub } from "../../app/hub.ts";
import { act } from "../../app/toasts.tsx";
import { Dialog } from "../../ui/dialog.tsx";

const RATES = [
  ["input", "Input"],
  ["output", "Output"],
  ["cache_read", "Cache read"],
  ["cache_write_5m", "Cache write, 5 minutes"],
  ["cache_write_1h", "Cache write, 1 hour"],
] as const;

/** Adds or replaces the price of a model. */
export function PriceForm({
  model,
  onSaved,
  onClose,
}: {
  model: string;
  onSaved: () => void;
  onClose: () => void;
}): JSX.Element {
  async function save(form: HTMLFormElement): Promise<void> {
    const data = new FormData(form);
    const textOf = (name: string) => String(data.get(name) ?? "").trim();
    const rates = Object.fromEntries(
      RATES.map(([name]) => [name, textOf(name) === "" ? null : Number(textOf(name))]),
    );
    const price = {
      model: textOf("model"),
      provider: textOf("provider"),
      from: textOf("from") || null,
      ...rates,
    };
    if (
      !(await act(
        () => hub.putPrice(price),
        "The price is saved; responses are priced again within minutes.",
      ))
    )
      return;
    onSaved();
    onClose();
  }
  return (
    <Dialog title="Add a price" onClose={onClose}>
      <p>US dollars per million tokens. An empty field is unknown, not free.</p>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          void save(event.currentTarget);
        }}
      >
        <label>
          Model
          <input name="model" required value={model} />
        </label>
        <label>
          Provider
          <input name="provider" required placeholder="acme" />
        </label>
        <label>
          From
          <input name="from" type="date" />
        </label>
        {RATES.map(([name, text]) => (
          <label key={name}>
            {text}
            <input name={name} type="number" min="0" step="any" />
          </label>
        ))}
        <button type="submit" class="primary">
          Save
        </button>
      </form>
    </Dialog>
  );
}
