export declare function readRequirements(text: string): {
  readonly name: string;
  readonly version: string;
  readonly marker: string | undefined;
  readonly hashes: string[];
}[];
