/** A labelled <select> for filters. */
export function Select({ label, value, options, onChange }: { label: string; value: string; options: Readonly<Record<string, string>>; onChange: (value: string) => void }) {
  return (
    <label class="filter">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {Object.entries(options).map(([key, text]) => <option key={key} value={key}>{text}</option>)}
      </select>
    </label>
  );
}
