/**
 * Reading QR codes: by the browser where it brings a reader (the Shape Detection API); elsewhere small
 * grey pictures go to our server, which keeps nothing of them. No script of others runs here.
 */

const FRAMES = "/api/wallet/v1/scan-frames";
/** Pixels of a side: enough for the codes of stores, little enough to send. */
const VIDEO_SIDE = 480;
const PHOTO_SIDE = 640;
const PAUSE_MS = 150;
/** When the server has enough to do. */
const PAUSE_MS_BUSY = 1_500;

/** @returns {Promise<(source: HTMLVideoElement | ImageBitmap) => Promise<string | null>>} */
export async function reader() {
  return (await ofBrowser()) ?? byServer;
}

/**
 * Shows the camera and reads until there is a code or `signal` says stop.
 * @param {HTMLVideoElement} video
 * @param {AbortSignal} signal
 * @returns {Promise<string | null>} null if it was stopped
 * @throws {DOMException} if the camera may not be used
 */
export async function film(video, signal) {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 960 } },
  });
  const stop = () => {
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    video.hidden = true;
  };
  if (signal.aborted) return stop(), null;
  signal.addEventListener("abort", stop);
  video.srcObject = stream;
  video.hidden = false;
  await video.play().catch(() => {}); // it was stopped meanwhile
  const read = await reader();
  while (!signal.aborted) {
    const text = await read(video);
    if (text && !signal.aborted) return text;
    await pause(PAUSE_MS);
  }
  return null;
}

async function ofBrowser() {
  if (!("BarcodeDetector" in window)) return null;
  const formats = await window.BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!formats.includes("qr_code")) return null;
  const detector = new window.BarcodeDetector({ formats: ["qr_code"] });
  return async (source) => (await detector.detect(source))[0]?.rawValue ?? null;
}

async function byServer(source) {
  const picture = grey(source);
  if (!picture) return null; // the camera has not begun
  const { width, height, bytes } = picture;
  const answer = await fetch(`${FRAMES}?width=${width}&height=${height}`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: bytes,
  }).catch(() => null);
  if (!answer?.ok) {
    await pause(PAUSE_MS_BUSY);
    return null;
  }
  return (await answer.json()).text;
}

/** The middle of the camera's picture, or a whole photo, as one byte a pixel. */
function grey(source) {
  const isVideo = source instanceof HTMLVideoElement;
  const [wide, high] = isVideo
    ? [source.videoWidth, source.videoHeight]
    : [source.width, source.height];
  if (!wide || !high) return null;
  const square = Math.min(wide, high);
  const [left, top, cutWide, cutHigh] = isVideo
    ? [(wide - square) / 2, (high - square) / 2, square, square]
    : [0, 0, wide, high];
  const scale = Math.min(1, (isVideo ? VIDEO_SIDE : PHOTO_SIDE) / Math.max(cutWide, cutHigh));
  const width = Math.max(1, Math.round(cutWide * scale));
  const height = Math.max(1, Math.round(cutHigh * scale));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, left, top, cutWide, cutHigh, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const bytes = new Uint8Array(width * height);
  for (let at = 0; at < bytes.length; at += 1) {
    const [red, green, blue] = [data[at * 4], data[at * 4 + 1], data[at * 4 + 2]];
    bytes[at] = (red * 77 + green * 150 + blue * 29) >> 8;
  }
  return { width, height, bytes };
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
