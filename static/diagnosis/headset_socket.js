// A headset's line to the server: frames out and in, and uploads that outlive it.

const PIECE_BYTES = 256 * 1024;

export class HeadsetSocket {
  /** onFrame(action, data), onOpen(), onClose(code, wanted), onSent(action, data). */
  constructor(hooks) {
    this.hooks = hooks;
    this.socket = null;
    this.upload = null; // in pieces, until the server has all of it
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  open(code, token) {
    const url = new URL(`../ws/diagnosis/${encodeURIComponent(code)}`, mount());
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url, token ? ["bearer", token] : []);
    this.socket = socket;
    this.wanted = true;
    socket.onopen = () => this.hooks.onOpen();
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    socket.onclose = ({ code }) => {
      if (socket === this.socket) this.hooks.onClose(code, this.wanted);
    };
  }

  close(wanted = false) {
    this.wanted = wanted;
    this.socket?.close();
  }

  send(action, data) {
    this.socket.send(JSON.stringify({ action, data }));
    this.hooks.onSent(action, data);
  }

  receive({ action, data }) {
    this.hooks.onFrame(action, data);
    const upload = this.upload;
    if (!upload || data?.diagnosis_id !== upload.id) return;
    if (action === "s_upload_ready" || action === "s_upload_stored") {
      upload.onProgress(data.offset / upload.bytes.length);
      this.sendPiece(data.offset);
    } else if (action === "s_upload_done") {
      upload.onProgress(1);
      this.upload = null;
    }
  }

  /** Send in pieces; after a lost line, `resume()` goes on where the server is. */
  async sendInPieces(id, bytes, onProgress) {
    this.upload = { id, bytes, onProgress, sha256: await sha256(bytes) };
    this.resume();
  }

  resume() {
    if (!this.upload || !this.isOpen) return;
    const { id, bytes, sha256 } = this.upload;
    this.send("c_upload_begin", { diagnosis_id: id, size: bytes.length, sha256 });
  }

  async sendPiece(offset) {
    const { id, bytes } = this.upload;
    if (offset >= bytes.length) {
      this.send("c_upload_end", { diagnosis_id: id });
      return;
    }
    const piece = bytes.subarray(offset, offset + PIECE_BYTES);
    const data = { diagnosis_id: id, offset, sha256: await sha256(piece) };
    const content = await base64(piece);
    if (this.isOpen) this.send("c_upload_chunk", { ...data, content });
  }
}

/** This page's own folder, under whatever prefix it is served. */
function mount() {
  return location.href.replace(/mock-vr\/?([?#].*)?$/, "");
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function base64(bytes) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",", 2)[1]);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(new Blob([bytes]));
  });
}
