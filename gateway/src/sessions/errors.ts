import { ReelayError } from '@reelay/runtime';

/** The video cannot be encoded for streaming. The message is a sentence for the viewer. */
export class NotEncodable extends ReelayError {
  readonly code = 'not_encodable';
}
