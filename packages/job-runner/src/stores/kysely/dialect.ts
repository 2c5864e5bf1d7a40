/** The shape of a Kysely dialect, so that the engine's types do not import Kysely. */
export type KyselyDialect = {
  createAdapter(): unknown;
  createDriver(): unknown;
  createQueryCompiler(): unknown;
  createIntrospector(db: never): unknown;
};
