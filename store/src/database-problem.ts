type Code = 'database_unreachable' | 'database_sign_in_refused' | 'database_missing' | 'database_too_old' | 'schema_newer' | 'schema_missing';

/** A person has to change something, as for sysexits(3) EX_CONFIG; or it is not there yet, EX_UNAVAILABLE. */
const SERVICE_EXIT: Record<Code, number> = {
  database_unreachable: 69, database_sign_in_refused: 78, database_missing: 78, database_too_old: 78, schema_newer: 78, schema_missing: 69,
};

/** Why a service cannot start on its database, in one sentence with what to do. Holds no secret. */
export class DatabaseProblem extends Error {
  readonly serviceExit: number;
  constructor(readonly code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseProblem';
    this.serviceExit = SERVICE_EXIT[code];
  }
}
