/** The control bar. */
import { Icon } from '../components/icon.tsx';
import type { IconName } from '../components/icon.tsx';
import type { MenuItem } from '../components/menu.tsx';
import { Menu } from '../components/menu.tsx';
import { clock } from '../model/format.ts';
import type { Choice } from './choices.ts';
import { AUTO, OFF, audioChoices, qualityChoices, qualityShown, speedChoices, subtitleChoices } from './choices.ts';
import type { Deck } from './deck.ts';
import { SeekBar } from './seek-bar.tsx';
import { useFullScreen } from './use-full-screen.ts';

export function Bar({ deck }: { deck: Deck }) {
  const { paused, ended } = deck.watched.state.value;
  const isFull = useFullScreen(deck.frame);
  return (
    <div class="player-bar" role="group" aria-label="Controls">
      <SeekBar deck={deck} />
      <div class="player-row">
        <Button icon={ended ? 'retry' : paused ? 'play' : 'pause'} label={ended ? 'Play again' : paused ? 'Play' : 'Pause'} onClick={() => deck.playOrPause()} />
        <Volume deck={deck} />
        <Time deck={deck} />
        <span class="grow" />
        <Subtitles deck={deck} />
        <Audio deck={deck} />
        <Quality deck={deck} />
        <Speed deck={deck} />
        <More deck={deck} />
        <Button icon={isFull ? 'full-screen-off' : 'full-screen'} label={isFull ? 'Leave full screen' : 'Full screen'} onClick={() => deck.fullScreen()} />
      </div>
    </div>
  );
}

function Button({ icon, label, onClick }: { icon: IconName; label: string; onClick: () => void }) {
  return <button type="button" class="player-button" aria-label={label} title={label} onClick={onClick}><Icon name={icon} size={22} /></button>;
}

function Volume({ deck }: { deck: Deck }) {
  const { volume, muted } = deck.watched.state.value;
  const shown = muted ? 0 : Math.round(volume * 100);
  return (
    <>
      <Button icon={shown === 0 ? 'volume-off' : 'volume'} label={muted ? 'Sound on' : 'Sound off'} onClick={() => deck.mute()} />
      <input
        class="player-volume" type="range" min={0} max={100} step={5} value={shown} aria-label="Volume" aria-valuetext={muted ? 'Muted' : `${shown}%`}
        style={{ '--filled': `${shown}%` }} onInput={(event) => deck.setVolume(Number(event.currentTarget.value) / 100)}
      />
    </>
  );
}

function Time({ deck }: { deck: Deck }) {
  return <span class="player-time">{clock(deck.watched.seconds.value)} <span>/ {clock(Math.round(deck.durationSeconds.value))}</span></span>;
}

function ChoiceMenu({ deck, icon, title, shown, choices, chosen, choose, text }: {
  deck: Deck; icon: IconName; title: string; shown: string; choices: readonly Choice[]; chosen: string | null; choose: (id: string) => string; text?: string | undefined;
}) {
  const items = choices.map(({ id, label, detail }): MenuItem => ({ label, detail: detail ?? undefined, checked: id === chosen, onSelect: () => deck.say(choose(id)) }));
  return (
    <Menu label={`${title}: ${shown}`} title={title} items={items} class="player-button" above>
      <Icon name={icon} size={22} />
      {text !== undefined && <span class="player-word">{text}</span>}
    </Menu>
  );
}

function Subtitles({ deck }: { deck: Deck }) {
  const { subtitles } = deck.player.playback.value;
  if (subtitles.length === 0) return null;
  const choices = subtitleChoices(subtitles);
  const chosen = deck.captions.chosen.value;
  const label = choices.find(({ id }) => id === chosen)?.label ?? 'Off';
  return (
    <span class="player-mark" data-on={chosen !== OFF}>
      <ChoiceMenu deck={deck} icon="captions" title="Subtitles" shown={label} choices={choices} chosen={chosen} choose={(id) => deck.setSubtitles(id)} />
    </span>
  );
}

function Audio({ deck }: { deck: Deck }) {
  const { audioTracks } = deck.player.playback.value;
  if (audioTracks.length < 2) return null;
  const choices = audioChoices(audioTracks);
  const chosen = deck.player.audio.value;
  return <ChoiceMenu deck={deck} icon="sound" title="Sound" shown={choices.find(({ id }) => id === chosen)?.label ?? ''} choices={choices} chosen={chosen} choose={(id) => deck.setAudio(id)} />;
}

function Quality({ deck: { player }, deck }: { deck: Deck }) {
  const playback = player.playback.value;
  const shown = qualityShown(playback, player.quality.value, player.rendition.value);
  const choices = qualityChoices(playback, player.picks.value).map(({ id, label, detail }) => ({ id, detail, label: id === AUTO && player.quality.value === AUTO ? shown : label }));
  return <ChoiceMenu deck={deck} icon="quality" title="Quality" shown={shown} text={shown} choices={choices} chosen={player.quality.value} choose={(id) => deck.setQuality(id)} />;
}

function Speed({ deck }: { deck: Deck }) {
  const { speed } = deck.watched.state.value;
  return (
    <ChoiceMenu
      deck={deck} icon="speed" title="Speed" shown={speed === 1 ? 'Normal' : `${speed}×`} text={speed === 1 ? undefined : `${speed}×`}
      choices={speedChoices()} chosen={String(speed)} choose={(id) => deck.setSpeed(Number(id))}
    />
  );
}

function More({ deck }: { deck: Deck }) {
  const items: MenuItem[] = [
    { label: 'Statistics', icon: 'info', checked: deck.isStatsOpen.value, toggles: true, onSelect: () => deck.say(deck.toggleStats()) },
    { label: 'Repeat', icon: 'repeat', checked: deck.watched.state.value.loop, toggles: true, onSelect: () => deck.say(deck.toggleLoop()) },
    ...(document.pictureInPictureEnabled ? [{ label: 'Picture in picture', icon: 'pip', onSelect: () => deck.say(deck.pictureInPicture()) } as const] : []),
    { label: 'Keys', icon: 'keyboard', divided: true, onSelect: () => { deck.isHelpOpen.value = true; } },
  ];
  return <Menu label="More" items={items} class="player-button" above><Icon name="more" size={22} /></Menu>;
}
