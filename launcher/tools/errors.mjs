/** A start that cannot go on, with one sentence that says what the person can do about it. */
export class StartError extends Error {
  /**
   * @param {string} code
   * @param {string} message one sentence, shown as it is
   * @param {{ cause?: unknown }} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.name = 'StartError';
    this.code = code;
  }
}
