/**
 * The label in a request, without decoding all of it: `optional<uint64> last; opaque label<0..2^8-1>`, or the label
 * first. Undefined where the bytes end too early; what is wrong with them is for the decoder to say.
 */
export function requestLabel(request: Uint8Array, labelFirst: boolean): Uint8Array | undefined {
  const start = labelFirst ? 0 : request[0] === 1 ? 9 : 1;
  const length = request[start];
  if (length === undefined || request.length < start + 1 + length) return undefined;
  return request.subarray(start + 1, start + 1 + length);
}
