/** What makes a Kysely dialect, named here so that the types of the engine need no Kysely. */
export type KyselyDialect = {
  createAdapter(): unknown;
  createDriver(): unknown;
  createQueryCompiler(): unknown;
  createIntrospector(db: never): unknown;
};
