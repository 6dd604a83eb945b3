/** The last picture stands still while the element gets another address, so that a change of quality does not flash black. */
export function freezePicture(video: HTMLVideoElement, canvas: HTMLCanvasElement): void {
  const { videoWidth, videoHeight, readyState } = video;
  if (videoWidth === 0 || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
  canvas.width = videoWidth;
  canvas.height = videoHeight;
  try {
    canvas.getContext('2d')?.drawImage(video, 0, 0);
  } catch {
    return;
  }
  canvas.hidden = false;
  const melt = (): void => {
    if (video.seeking || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    canvas.hidden = true;
    for (const event of MELTS) video.removeEventListener(event, melt);
  };
  for (const event of MELTS) video.addEventListener(event, melt);
}

const MELTS = ['loadeddata', 'seeked', 'playing', 'timeupdate'] as const;
