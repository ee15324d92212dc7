// Reads QR codes and bar codes with the camera, where the browser has a BarcodeDetector.
const EVERY_MS = 150;

export const canReadCodes = () => "BarcodeDetector" in window && Boolean(navigator.mediaDevices?.getUserMedia);

// Shows the camera's picture in the video and calls `found` with each code in sight, again and again; returns a function
// that stops it. Raises an error if the camera is not allowed or not there.
export async function watch(video, found) {
  const detector = new BarcodeDetector();
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  video.srcObject = stream;
  await video.play();
  let isOn = true;
  async function look() {
    if (!isOn) return;
    if (!document.hidden && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      const codes = await detector.detect(video).catch(() => []);
      for (const { rawValue } of codes) found(rawValue);
    }
    setTimeout(look, EVERY_MS);
  }
  look();
  return () => {
    isOn = false;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
}
