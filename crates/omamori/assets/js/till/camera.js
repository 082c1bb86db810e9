/** Reading with the camera, where the browser brings a reader (the Shape Detection API). */

const FORMATS = ["code_128", "qr_code", "ean_13", "ean_8"];
const PAUSE_MS = 120;

/** Whether this browser can. */
export async function cameraReads() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return false;
  const formats = await window.BarcodeDetector.getSupportedFormats();
  return formats.includes("code_128") || formats.includes("qr_code");
}

/**
 * Shows the camera and reads until `signal` says stop.
 * @param {HTMLVideoElement} video
 * @param {(digits: string) => void} onDigits called for each code that is digits only
 * @param {AbortSignal} signal
 * @param {RegExp} [wanted] what else than digits is wanted
 * @throws {DOMException} if the camera may not be used
 */
export async function readCamera(video, onDigits, signal, wanted = /^\d{8,24}$/) {
  const supported = await window.BarcodeDetector.getSupportedFormats();
  const detector = new window.BarcodeDetector({
    formats: FORMATS.filter((format) => supported.includes(format)),
  });
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: "environment", width: { ideal: 1280 } },
  });
  video.srcObject = stream;
  video.hidden = false;
  await video.play();
  const stop = () => {
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    video.hidden = true;
  };
  signal.addEventListener("abort", stop);
  while (!signal.aborted) {
    const codes = await detector.detect(video);
    const digits = codes.map((code) => code.rawValue).find((value) => wanted.test(value));
    if (digits && !signal.aborted) onDigits(digits);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
