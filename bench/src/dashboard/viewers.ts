import { connect } from "node:net";
import { ADMIN_KEY, type Server } from "../server.ts";

export type Viewer = { close(): void };

/** A live stream on a connection of its own; resolves when it has begun. `onText` gets what arrives. */
export function openViewer({ port }: Server, onText: (text: string) => void): Promise<Viewer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let head = "";
    socket.setEncoding("latin1");
    socket.on("error", reject);
    socket.on("data", (text: string) => {
      onText(text);
      if (head.includes("\nid: ")) return;
      head += text;
      if (head.includes("\nid: ")) resolve({ close: () => socket.destroy() });
    });
    socket.write(`GET /api/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ADMIN_KEY}\r\n\r\n`);
  });
}
