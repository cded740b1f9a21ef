/** mercurius on Fastify, with its JIT compiler from the first run of a document on. */
import Fastify from 'fastify';
import mercurius from 'mercurius';
import { resolvers, typeDefs } from './schema.mjs';

const app = Fastify();
app.register(mercurius, { schema: typeDefs, resolvers, jit: 1 });
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
