import { ReelayError } from '@reelay/runtime';

/** The video cannot be encoded for streaming. The message is a sentence for the viewer. */
export class NotEncodable extends ReelayError {
  readonly code = 'not_encodable';
}

/** No node has a place for another stream now. */
export class NoPlace extends ReelayError {
  readonly code = 'no_encoder';
  readonly retryAfterSeconds: number;
  constructor(reason: string, retryAfterSeconds: number, cause?: unknown) {
    super(reason, { retryAfterSeconds }, cause);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The node that had the place does not know the session, or does not answer. */
export class SessionLost extends ReelayError {
  readonly code = 'session_lost';
}

/** Encoding failed, more than once. */
export class EncodingFailed extends ReelayError {
  readonly code = 'encoding_failed';
}

/** Nothing came in the time that a player waits. */
export class EncodingSlow extends ReelayError {
  readonly code = 'encoding_slow';
}

/** What a node sent is not wanted (any more); it ends the head. */
export class PieceRefused extends ReelayError {
  readonly code = 'segment_refused';
}
