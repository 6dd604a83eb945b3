import { inTransaction, type Sql } from '../db.ts';
import { jsonb } from '../json.ts';
import { type Lease, requireLease } from '../leases/lease.ts';

export interface ClassVerdict {
  requirementClass: string;
  reason: string;
}

/** Replaces why each requirement class waits; classes left out wait no more. @throws LeaseLostError */
export const saveVerdicts = (sql: Sql, lease: Lease, verdicts: readonly ClassVerdict[]): Promise<void> =>
  inTransaction(sql, async (tx) => {
    await requireLease(tx, lease);
    await tx`delete from waiting_verdicts where requirement_class <> all(${verdicts.map(({ requirementClass }) => requirementClass)}::text[])`;
    await tx`
      insert into waiting_verdicts as w (requirement_class, reason)
      select "requirementClass", reason from jsonb_to_recordset(${jsonb(tx, verdicts)}::jsonb) as v("requirementClass" text, reason text)
      on conflict (requirement_class) do update set reason = excluded.reason, decided_at = now() where w.reason <> excluded.reason`;
  });
