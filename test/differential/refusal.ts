/** The request has no answer. */
export class Refusal extends Error {}
