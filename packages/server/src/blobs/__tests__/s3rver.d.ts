/** What the tests use of it; the package has no declarations of its own. */
declare module "@20minutes/s3rver" {
  // biome-ignore lint/style/noDefaultExport: that is what the package has.
  export default class S3rver {
    constructor(options: {
      port: number;
      address: string;
      silent: boolean;
      directory: string;
      allowMismatchedSignatures: boolean;
      configureBuckets: { name: string }[];
    });
    run(): Promise<{ port: number }>;
    close(): Promise<void>;
  }
}
