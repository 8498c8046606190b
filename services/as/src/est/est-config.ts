/** Where EST is served: always over TLS, which is what authenticates the service and may authenticate the client. */
export interface EstConfig {
  readonly host?: string;
  readonly port: number;
  /** PEM files: the server's certificate chain, and its private key. */
  readonly certificateFile: string;
  readonly keyFile: string;
}
