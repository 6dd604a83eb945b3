/** Paths that carry a signed token: it must reach neither a log nor a list of what is underway. */
const SECRET = /^(\/agent\/v1\/[a-z]+|\/s)\/[^/]+/;
export const loggedPath = (path: string): string => path.replace(SECRET, '$1/[removed]');

const SIGNED = /^\/s\/[^/]+(?=\/)/;
const SHORT = /^\/s\/[^/]+(?=\/[0-9a-f]{8}-[0-9a-f-]{27}\/)/;
/** The path without the token in front, which says nothing about what is asked for. */
export const plainPath = (path: string): string => path.replace(SHORT, '/stream').replace(SIGNED, '');
