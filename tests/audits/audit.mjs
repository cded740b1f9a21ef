/**
 * Runs the GraphQL over HTTP audits of the `graphql-http` package against the address in the first argument,
 * and writes one line of JSON for each: {id, name, status: "ok" | "notice" | "warn" | "error", reason}.
 */
import { auditServer } from 'graphql-http';

for (const result of await auditServer({ url: process.argv[2] })) {
  console.log(JSON.stringify({ id: result.id, name: result.name, status: result.status, reason: result.reason ?? null }));
}
