/** Control characters but the tab, and marks that turn the direction of text. */
const STEERING = /(?!\t)\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text of one line for a terminal: anybody's request can bring characters that steer one; they are shown as `\u001b`, not sent. */
export const terminalText = (text: string): string => text.replaceAll(STEERING, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
