import { useEffect, useState } from 'preact/hooks';

/** Whether an element fills the screen. */
export function useFullScreen(element: HTMLElement): boolean {
  const [isFull, setFull] = useState(document.fullscreenElement === element);
  useEffect(() => {
    const look = (): void => setFull(document.fullscreenElement === element);
    document.addEventListener('fullscreenchange', look);
    return () => document.removeEventListener('fullscreenchange', look);
  }, [element]);
  return isFull;
}
