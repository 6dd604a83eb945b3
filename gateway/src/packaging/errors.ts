import { ReelayError } from '@reelay/runtime';

/** The video has no rendition of that name. */
export class UnknownRenditionError extends ReelayError {
  readonly code = 'unknown_rendition';
}

/** The rendition has fewer segments than that. */
export class SegmentOutOfRangeError extends ReelayError {
  readonly code = 'segment_out_of_range';
}

/** The file is not the one that was indexed: other size, other time, or other bytes where a packet should lie. */
export class SourceChangedError extends ReelayError {
  readonly code = 'source_changed';
}

/** The file's container, codecs or groups of pictures cannot be carried into segments; the message says why. */
export class NotRemuxableError extends ReelayError {
  readonly code = 'not_remuxable';
}

/** The stream changes its profile, level or picture size in the middle, beyond what the init segment promises. */
export class ParameterSetsChangedError extends ReelayError {
  readonly code = 'parameter_sets_changed';
}
