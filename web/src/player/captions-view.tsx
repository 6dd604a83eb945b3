import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Captions, ShownCues } from './captions.ts';

export function CaptionsView({ captions }: { captions: Captions }) {
  const { top, bottom } = captions.shown.value;
  return (
    <div class="captions" aria-live="off">
      <Cues cues={top} />
      <Cues cues={bottom} />
    </div>
  );
}

function Cues({ cues }: { cues: ShownCues['top'] }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    box.current?.replaceChildren(...cues.map((cue) => {
      const line = document.createElement('p');
      line.append(cue.getCueAsHTML());
      return line;
    }));
  }, [cues]);
  return <div ref={box} dir="auto" />;
}
