const OFFER = /^\s*(gzip|x-gzip|\*)\s*(?:;\s*q\s*=\s*([\d.]+)\s*)?$/i;

/** Whether a client takes gzip, by its Accept-Encoding header. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const offers = (acceptEncoding ?? "").split(",").map((offer) => OFFER.exec(offer));
  const named = offers.find((offer) => offer !== null && offer[1] !== "*");
  const offer = named ?? offers.find((candidate) => candidate !== null);
  return offer !== undefined && offer !== null && Number(offer[2] ?? 1) > 0;
}
