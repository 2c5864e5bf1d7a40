import type { Block, ImagePlace } from "./contract.ts";
import type { JsonValue } from "./lines/json.ts";

/** A place in a record. */
export type Place = Pick<ImagePlace, "line" | "path">;

/** Of a block: the places of more are not kept. */
const IMAGES_PER_BLOCK_MAX = 100;
/** Members below which agents and tools put images. */
const MEMBERS = [
  "source",
  "image_url",
  "url",
  "inlineData",
  "functionResponse",
  "parts",
  "result",
  "Ok",
  "content",
];
const MEDIA_TYPE_MEMBERS = ["media_type", "mimeType", "mime"];
const MEDIA_TYPE = /^image\/[a-z0-9.+-]{1,40}$/i;
const DATA_URL = /^data:(image\/[a-z0-9.+-]{1,40});base64,/i;

export function within({ line, path }: Place, ...members: (string | number)[]): Place {
  return { line, path: [...path, ...members] };
}

/** The images of a part of a record, in their order: base64 with its media type, or a data URL. */
export function imagesIn(value: JsonValue | undefined, place: Place): Pick<Block, "images"> {
  const images: ImagePlace[] = [];
  collect(value, place, images);
  return images.length === 0 ? {} : { images };
}

function collect(value: JsonValue | undefined, place: Place, images: ImagePlace[]): void {
  if (images.length >= IMAGES_PER_BLOCK_MAX || value === null || value === undefined) return;
  if (typeof value === "string") {
    const media_type = DATA_URL.exec(value)?.[1];
    if (media_type !== undefined) images.push({ ...place, media_type });
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => {
      collect(item, within(place, index), images);
    });
  } else if (typeof value === "object") {
    const media_type = MEDIA_TYPE_MEMBERS.map((name) => value[name]).find(isMediaType);
    if (media_type !== undefined && typeof value["data"] === "string")
      images.push({ ...within(place, "data"), media_type });
    else for (const name of MEMBERS) collect(value[name], within(place, name), images);
  }
}

function isMediaType(value: JsonValue | undefined): value is string {
  return typeof value === "string" && MEDIA_TYPE.test(value);
}
