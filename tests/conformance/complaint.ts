/** What a checker has to say: the rule that is broken, by its number in its text, and what was found. */
export interface Complaint {
  /** Such as `RFC 8216 4.3.3.1`, `Apple 8.1` or `CMAF tfdt`. */
  readonly rule: string;
  readonly detail: string;
}

/** Collects complaints; `where` is put in front of what is found. */
export class Complaints {
  readonly list: Complaint[] = [];

  constructor(readonly where = '') {}

  /** Complains unless `holds`. Returns `holds`. */
  check(holds: boolean, rule: string, detail: string): boolean {
    if (!holds) this.list.push({ rule, detail: this.where === '' ? detail : `${this.where}: ${detail}` });
    return holds;
  }

  add(others: readonly Complaint[]): void {
    for (const { rule, detail } of others) this.check(false, rule, detail);
  }
}
